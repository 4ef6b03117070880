//! How many recipients of a run are where, and what follows from that alone.

use std::collections::BTreeMap;

use crate::{
    campaigns::{
        rules::{
            breaker,
            budget::{Budget, Micros},
            lifecycle::RecipientStatus,
            winner::Tally,
        },
        run::Frozen,
        store,
    },
    error::Result,
    messages::provider::Channel,
    tenancy::TenantTx,
    types::CampaignRunId,
};

/// So many recipients that have one thing in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaigns) struct Count {
    pub variant: Option<i16>,
    pub channel: Option<Channel>,
    pub what: Counted,
    pub n: i64,
    /// Parts of messages that are paid for, or set aside for those that wait.
    pub parts: i64,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::campaigns) enum Counted {
    /// Recipients, by where they are.
    At(RecipientStatus),
    /// Messages that came to nothing, after which another channel was tried: they are no recipients.
    FellBack,
}

impl Counted {
    fn status(self) -> Option<RecipientStatus> {
        match self {
            Self::At(status) => Some(status),
            Self::FellBack => None,
        }
    }
}

/// All counts of a run.
#[derive(Debug, Clone, Default)]
pub(in crate::campaigns) struct Counts(pub Vec<Count>);

impl Counts {
    pub(in crate::campaigns) async fn of(tx: &mut TenantTx, run: CampaignRunId) -> Result<Self> {
        let tenant = tx.tenant;
        Ok(Self(store::counts(tx.conn(), tenant, run).await?))
    }

    pub(super) fn those(&self, wanted: impl Fn(RecipientStatus) -> bool) -> i64 {
        self.0.iter().filter(|count| count.what.status().is_some_and(&wanted)).map(|count| count.n).sum()
    }

    pub(in crate::campaigns) fn at(&self, status: RecipientStatus) -> i64 {
        self.those(|at| at == status)
    }

    pub(in crate::campaigns) fn all(&self) -> i64 {
        self.those(|_| true)
    }

    pub(in crate::campaigns) fn open(&self) -> i64 {
        self.those(RecipientStatus::is_open)
    }

    /// What the breaker goes by.
    pub(in crate::campaigns) fn tried(&self) -> breaker::Counts {
        let fell_back: i64 =
            self.0.iter().filter(|count| count.what.status().is_none()).map(|count| count.n).sum();
        breaker::Counts {
            tried: self.those(RecipientStatus::was_tried) + fell_back,
            failed: self.those(RecipientStatus::is_failure) + fell_back,
        }
    }

    pub(in crate::campaigns) fn statuses(&self) -> BTreeMap<String, i64> {
        let mut statuses = BTreeMap::new();
        for count in &self.0 {
            if let Some(status) = count.what.status() {
                *statuses.entry(status.as_str().to_owned()).or_default() += count.n;
            }
        }
        statuses
    }

    pub(super) fn of_variant(&self, variant: i16) -> Self {
        Self(self.0.iter().filter(|count| count.variant == Some(variant)).copied().collect())
    }

    /// What was spent: for what providers have taken, or may have.
    pub(super) fn spent(&self, frozen: &Frozen) -> Micros {
        self.cost(frozen, |what| what != Counted::At(RecipientStatus::Queued))
    }

    /// What a run may spend, has spent, and has set aside.
    pub(in crate::campaigns) fn budget(&self, frozen: &Frozen) -> Budget {
        let reserved = self.cost(frozen, |what| what == Counted::At(RecipientStatus::Queued));
        Budget {
            limit: frozen.definition.limits.budget_cents.map(Micros::of_cents),
            spent: self.spent(frozen),
            reserved,
        }
    }

    fn cost(&self, frozen: &Frozen, counts: impl Fn(Counted) -> bool) -> Micros {
        let of = |count: &Count| {
            let way = count.channel.and_then(|channel| frozen.definition.content.way(channel));
            way.map_or(Micros::ZERO, |way| way.price().times(count.parts))
        };
        self.0.iter().filter(|count| counts(count.what)).map(of).sum()
    }

    /// What came of a variant, by what of it providers took and how many of those count as hits.
    pub(in crate::campaigns) fn tally(&self, variant: i16, hits: impl Fn(RecipientStatus) -> bool) -> Tally {
        let own = self.of_variant(variant);
        let sent = own.those(accepted);
        Tally { sent: small(sent), hits: small(own.those(hits).min(sent)) }
    }
}

/// Whether a provider has taken the message and not said that it came to nothing before it left.
pub(super) fn accepted(status: RecipientStatus) -> bool {
    use RecipientStatus::{Bounced, Delivered, Read, Sent};
    matches!(status, Sent | Delivered | Read | Bounced)
}

pub(in crate::campaigns) fn small(count: i64) -> u32 {
    u32::try_from(count.max(0)).unwrap_or(u32::MAX)
}
