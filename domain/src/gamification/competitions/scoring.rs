//! What rows of the ledger count for in competitions.

use std::collections::BTreeMap;

use super::store;
use crate::{
    error::Result,
    gamification::{challenges::scoring::amount, ledger::NewEntry},
    tenancy::TenantTx,
    types::{AgentId, CompetitionId, TeamId},
};

/// Adds rows to the competitions in which they happened, as far as these are open.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn count(tx: &mut TenantTx, entries: &[&NewEntry]) -> Result<()> {
    let ats = || entries.iter().map(|entry| entry.at);
    let (Some(first), Some(last)) = (ats().min(), ats().max()) else { return Ok(()) };
    let tenant = tx.tenant;
    let open = store::open(tx.conn(), tenant, first, last).await?;
    let mut of_team: BTreeMap<TeamId, Vec<&store::Open>> = BTreeMap::new();
    for one in &open {
        of_team.entry(one.team).or_default().push(one);
    }
    let mut scores: BTreeMap<(CompetitionId, AgentId, TeamId), i64> = BTreeMap::new();
    for entry in entries {
        let Some(team) = entry.team else { continue };
        for one in of_team.get(&team).into_iter().flatten() {
            let amount = amount(one.metric, entry);
            if entry.at >= one.starts_at.max(one.joined_at) && entry.at < one.ends_at && amount != 0 {
                *scores.entry((one.id, entry.agent, team)).or_default() += amount;
            }
        }
    }
    store::add_scores(tx.conn(), tenant, &scores).await
}
