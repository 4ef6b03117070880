//! Whether messages of campaigns may leave, asked as their attempts are claimed.

use std::{collections::HashMap, time::Duration};

use super::{rules::lifecycle::RunStatus, store};
use crate::{error::Result, tenancy::TenantTx, types::CampaignRunId};

/// How long a message waits for a campaign that is paused before it looks again. Whoever resumes it wakes the message.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Why messages of a run do not leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hold {
    /// They wait.
    Paused,
    /// They are not sent any more.
    Stopped,
}

/// Which of these runs hold their messages back. A pause that was committed before this reads it counts; no statement is
/// made where no message is of a campaign.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn of(
    tx: &mut TenantTx,
    mut runs: Vec<CampaignRunId>,
) -> Result<HashMap<CampaignRunId, Hold>> {
    if runs.is_empty() {
        return Ok(HashMap::new());
    }
    runs.sort_unstable();
    runs.dedup();
    let tenant = tx.tenant;
    let statuses = store::run_statuses(tx.conn(), tenant, &runs).await?;
    Ok(statuses.into_iter().filter_map(|(run, status)| Some((run, held_by(status)?))).collect())
}

/// Of a run that is finished a message may leave still: somebody has said that it may come twice.
fn held_by(status: RunStatus) -> Option<Hold> {
    match status {
        RunStatus::Planning | RunStatus::Running | RunStatus::Finished => None,
        RunStatus::Paused => Some(Hold::Paused),
        RunStatus::Stopping | RunStatus::Cancelled | RunStatus::Failed => Some(Hold::Stopped),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_paused_waits_and_what_is_stopped_does_not_leave() {
        for status in RunStatus::ALL {
            let held = held_by(status);
            assert_eq!(held == Some(Hold::Paused), status == RunStatus::Paused, "{status:?}");
            if status.sends() {
                assert_eq!(held, None, "{status:?}");
            }
        }
        assert_eq!(held_by(RunStatus::Stopping), Some(Hold::Stopped));
        assert_eq!(held_by(RunStatus::Cancelled), Some(Hold::Stopped));
    }
}
