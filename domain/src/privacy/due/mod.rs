//! What people have asked for and what is not answered, of both kinds, by the day until which it must be: what is late comes
//! first (GDPR Art. 12(3)).

mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    privacy::{erasure::State, requests::RequestStatus},
    types::LeadId,
    words::words,
};

words! {
    /// What somebody asks for.
    DueKind {
        Access = "access",
        Erasure = "erasure",
    }
}

/// A request that is not over.
#[derive(Debug, Clone)]
pub struct DueRequest {
    pub kind: DueKind,
    /// Of an access request or of an erasure.
    pub id: Uuid,
    /// `identity`, `working`, `cooling`, `held` or `running`.
    pub state: String,
    /// The lead that it names; none where the person is known by a number or an address only, or is a user.
    pub lead: Option<LeadId>,
    /// When the person asked.
    pub asked_at: DateTime<Utc>,
    pub due_at: DateTime<Utc>,
    /// Its time is over.
    pub overdue: bool,
}

/// Which of them.
#[derive(Debug, Default, Clone, Copy)]
pub struct DueFilter {
    pub kind: Option<DueKind>,
    pub status: Option<DueState>,
}

/// How far a request is that is not over, of either kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueState {
    /// Nobody has said yet how they know who asks.
    Identity,
    Access(RequestStatus),
    Erasure(State),
}

impl DueState {
    /// The states in which a request can be late, with the name of each.
    pub const ALL: [(&'static str, Self); 5] = [
        ("identity", Self::Identity),
        ("working", Self::Access(RequestStatus::Working)),
        ("cooling", Self::Erasure(State::Cooling)),
        ("held", Self::Erasure(State::Held)),
        ("running", Self::Erasure(State::Running)),
    ];

    /// The state of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, state)| state)
    }

    /// As both tables have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }
}

/// Where a request stands in the list: until when it is to be answered, and its id.
pub type DuePlace = (DateTime<Utc>, Uuid);

/// The most urgent first, those that stand after a place.
///
/// # Errors
/// If the permission is missing, or the caller sees only some of the leads.
pub async fn list(
    ctx: &Ctx,
    filter: DueFilter,
    after: Option<DuePlace>,
    limit: i64,
) -> Result<Vec<DueRequest>> {
    ctx.require(Permission::PrivacyRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    store::list(tx.conn(), ctx.tenant, filter, after, limit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_by_its_name() {
        for (name, state) in DueState::ALL {
            assert_eq!((DueState::named(name), state.as_str()), (Some(state), name));
        }
        assert_eq!(DueState::named("done"), None);
    }
}
