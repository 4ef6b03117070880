//! How long a turn that has nothing to make waits for the next one.

use std::time::Duration;

use super::{Desk, REST, Turn};
use crate::{
    campaigns::{rules::lifecycle::RecipientStatus, store},
    error::Result,
    tenancy::TenantTx,
};

/// While messages leave, before what is new is looked for or there is room; and at the most. If none leaves, no longer than
/// [`REST`].
const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_mins(1);

impl Desk<'_> {
    /// What there is to wait for where nothing is to be made.
    pub(super) async fn rest(&self, tx: &mut TenantTx, room: u32) -> Result<Turn> {
        let (planned, queued) =
            (self.counts.at(RecipientStatus::Planned), self.counts.at(RecipientStatus::Queued));
        if planned == 0 {
            return Ok(if queued == 0 { Turn::Over } else { Turn::Settling });
        }
        if room == 0 {
            return Ok(Turn::Wait(self.until_there_is_room()));
        }
        let (tenant, id) = (tx.tenant, self.run.id);
        let mut next = store::next_due(tx.conn(), tenant, id, 0).await?;
        if next.is_none() && self.winner.is_some() {
            next = store::next_due(tx.conn(), tenant, id, 1).await?;
        }
        let until = next.and_then(|next| (next - self.run.now).to_std().ok());
        // Without one the second wave waits for its variant.
        Ok(Turn::Wait(until.unwrap_or(REST).clamp(SHORT, LONG)))
    }

    fn until_there_is_room(&self) -> Duration {
        match self.definition().limits.rate_per_minute {
            Some(rate) if self.tokens < 1.0 => {
                let seconds = (1.0 - self.tokens) * 60.0 / f64::from(rate.max(1));
                Duration::try_from_secs_f64(seconds).unwrap_or(REST).clamp(SHORT, LONG)
            }
            _ => self.patience(),
        }
    }

    /// How long to wait for what is under way: while nothing of it moves as long as nothing has for, which is twice as long
    /// each time.
    pub(super) fn patience(&self) -> Duration {
        let still = self.run.refilled_at.filter(|_| !self.moved).map(|moved| self.run.now - moved);
        still.and_then(|still| still.to_std().ok()).unwrap_or(SHORT).clamp(SHORT, REST)
    }
}
