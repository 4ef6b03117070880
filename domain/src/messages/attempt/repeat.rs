//! Where a message may go that an attempt before it may have sent already.

use super::desk::Desk;
use crate::{
    messages::{provider::Route, rules::OnUnknown},
    types::{MessageId, ProviderId},
};

/// Where a message may go, as far as an attempt may have sent it already.
pub(super) enum Repeat {
    /// None has, or somebody has said of the account that its messages may come twice (`on_unknown`).
    Anywhere,
    /// To the account that may have it and drops what comes twice.
    Only(ProviderId),
    /// A repeat would not be dropped any more, for this reason.
    Nowhere(Undropped),
}

/// Why a receiver would take what comes again for new.
pub(super) enum Undropped {
    /// It has seen the first of them too long ago.
    Expired,
    /// The credentials are others than those of the attempt: they may be for somewhere else.
    Changed,
}

impl Undropped {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Expired => "key_expired",
            Self::Changed => "credentials_changed",
        }
    }

    /// In words.
    pub(super) fn why(&self) -> &'static str {
        match self {
            Self::Expired => {
                "it may have been sent, so long ago that its receiver would not drop a repeat; ask there, then resolve it"
            }
            Self::Changed => {
                "it may have been sent, with credentials that were replaced since; ask where those were for, then \
                 resolve it"
            }
        }
    }
}

impl Desk<'_> {
    /// Whether an attempt before may have sent it.
    pub fn is_in_doubt(&self, message: MessageId) -> bool {
        self.before.get(&message).is_some_and(|before| before.in_doubt_for.is_some())
    }

    /// Where a message may go, as far as an attempt may have sent it already.
    pub(super) fn repeat(&mut self, message: MessageId) -> Repeat {
        let before = self.before.get(&message);
        let Some((provider, version, age)) =
            before.and_then(|one| Some((one.provider, one.version, one.in_doubt_for?)))
        else {
            return Repeat::Anywhere;
        };
        // One that is gone, or whose credentials cannot be opened, may be one that drops repeats.
        let Ok((account, adapter)) = self.account(provider) else { return Repeat::Only(provider) };
        let is_changed = account.version != version;
        match adapter.route(&account) {
            Route::Keyed if is_changed => Repeat::Nowhere(Undropped::Changed),
            Route::Keyed if age >= adapter.window(&account) => Repeat::Nowhere(Undropped::Expired),
            Route::Keyed => Repeat::Only(provider),
            // With those credentials it may have been one that drops repeats.
            Route::Asked | Route::Echoes | Route::Blind
                if is_changed && self.on_unknown(provider) == OnUnknown::Hold =>
            {
                Repeat::Nowhere(Undropped::Changed)
            }
            Route::Asked | Route::Echoes | Route::Blind => Repeat::Anywhere,
        }
    }

    /// What is said of an account's messages of unknown fate.
    pub(super) fn on_unknown(&self, provider: ProviderId) -> OnUnknown {
        self.ways.iter().find(|way| way.id == provider).map(|way| way.on_unknown).unwrap_or_default()
    }
}
