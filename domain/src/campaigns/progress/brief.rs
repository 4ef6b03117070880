//! Where the newest runs of many campaigns are, in few figures: for lists.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{Counts, counts::accepted};
use crate::{
    Ctx,
    access::permission::Permission,
    campaigns::{
        rules::lifecycle::{RecipientStatus, RunStatus},
        store,
    },
    error::Result,
    tenancy::store::as_of_one_moment,
    types::{CampaignId, CampaignRunId},
};

/// Where a run is, in few figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunBrief {
    pub run_id: CampaignRunId,
    pub run_status: RunStatus,
    pub started_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Whether all recipients were written down.
    pub planned: bool,
    pub recipients: i64,
    /// Those for whom something is still to be done.
    pub open: i64,
    /// Messages that a provider took.
    pub accepted: i64,
    pub delivered: i64,
}

/// The newest run of each of some campaigns, at most 200 of them; one that has none is left out. Two statements, however many
/// there are.
///
/// # Errors
/// If a permission is missing or the database does not answer.
pub async fn briefs(ctx: &Ctx, campaigns: &[CampaignId]) -> Result<HashMap<CampaignId, RunBrief>> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    let newest = store::newest_runs(tx.conn(), ctx.tenant, campaigns).await?;
    let runs: Vec<CampaignRunId> = newest.iter().map(|(_, brief)| brief.run_id).collect();
    let mut counts: HashMap<CampaignRunId, Counts> = HashMap::new();
    for (run, count) in store::counts_of(tx.conn(), ctx.tenant, &runs).await? {
        counts.entry(run).or_default().0.push(count);
    }
    let filled = newest.into_iter().map(|(campaign, brief)| {
        let of = counts.remove(&brief.run_id).unwrap_or_default();
        let delivered = of.at(RecipientStatus::Delivered) + of.at(RecipientStatus::Read);
        let (recipients, open, accepted) = (of.all(), of.open(), of.those(accepted));
        (campaign, RunBrief { recipients, open, accepted, delivered, ..brief })
    });
    Ok(filled.collect())
}
