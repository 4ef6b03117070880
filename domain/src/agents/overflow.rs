//! Which team helps out which: never in a ring, of whatever length, so that what waits comes to an end of its way. One
//! rule for leads and for calls, for both go the same way.

use std::collections::BTreeMap;

use super::store;
use crate::{
    error::{Error, Result},
    tenancy::{Latch, TenantTx},
    types::TeamId,
};

/// Keeps others of the tenant from changing who helps out whom until commit. Before the locks of rows.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn hold(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant;
    Latch::Overflow.take(tx.conn(), tenant).await
}

/// Refuses a helper from whom what overflows would come back; others are [held](hold) out.
///
/// # Errors
/// If it would.
pub(super) async fn refuse_ring(tx: &mut TenantTx, team: TeamId, helper: TeamId) -> Result<()> {
    let tenant = tx.tenant;
    let helpers: BTreeMap<TeamId, TeamId> = store::overflows(tx.conn(), tenant).await?.into_iter().collect();
    if !comes_back(&helpers, team, helper) {
        return Ok(());
    }
    let detail = "what overflows there would come back to this team; take a team whose own overflow ends \
                  elsewhere, or change that first";
    Err(Error::invalid("/overflow_team_id", detail))
}

/// Whether what a team hands to a helper would be handed on until it comes back to it.
fn comes_back(helpers: &BTreeMap<TeamId, TeamId>, team: TeamId, helper: TeamId) -> bool {
    let mut at = helper;
    // As many steps as there are teams with a helper: a ring of others that was there before is not walked for ever.
    for _ in 0..=helpers.len() {
        if at == team {
            return true;
        }
        let Some(next) = helpers.get(&at) else { return false };
        at = *next;
    }
    false
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> TeamId {
        TeamId(Uuid::from_u128(number))
    }

    #[test]
    fn rings_of_any_length_are_found_and_chains_are_none() {
        // 1 → 2 → 3 → 4, and 7 ⇄ 8.
        let helpers: BTreeMap<TeamId, TeamId> =
            [(1, 2), (2, 3), (3, 4), (7, 8), (8, 7)].map(|(from, to)| (id(from), id(to))).into();
        for (team, helper, ring) in [
            (4, 1, true),
            (4, 2, true),
            (4, 3, true),
            (4, 4, true),
            (4, 5, false),
            (5, 1, false),
            (3, 1, true),
            (2, 4, false),
            (5, 7, false),
            (7, 8, true),
        ] {
            assert_eq!(comes_back(&helpers, id(team), id(helper)), ring, "{team} to {helper}");
        }
    }
}
