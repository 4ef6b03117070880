//! How far a campaign is, and what came of it: from counts that are kept beside what they count, so that they are exact at
//! every moment and cost the same however many recipients there are (`counts`); of many campaigns in few (`brief`); of all that
//! began in a range (`ranged`).

mod brief;
mod counts;
pub(crate) mod ranged;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

pub use self::brief::{RunBrief, briefs};
use self::counts::accepted;
pub(super) use self::counts::{Count, Counted, Counts, small};
use super::{
    rules::{
        budget::{Micros, cost_per, roi},
        lifecycle::{CampaignStatus, RecipientStatus, RunStatus},
        pause::pause_why,
    },
    run::Frozen,
    store::{self, CampaignRow, RunRow, Which},
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::{TenantTx, store::as_of_one_moment},
    types::{CampaignId, CampaignRunId},
};

/// Where a run is, in figures.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CampaignProgress {
    pub campaign_id: CampaignId,
    pub run_id: CampaignRunId,
    /// Of the campaign.
    pub status: CampaignStatus,
    pub run_status: RunStatus,
    /// Why it is paused: `by_hand`, `breaker`, `budget`, `no_provider`.
    pub pause_code: Option<String>,
    /// Why the campaign is paused, in words, with what to do; also where this run is over.
    pub pause_why: Option<String>,
    /// Why it could not go on.
    pub broke: Option<String>,
    /// The time that it was for.
    pub due_at: DateTime<Utc>,
    pub started_at: DateTime<Utc>,
    /// When all recipients were written down.
    pub planned_at: Option<DateTime<Utc>>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Recipients, as far as they are written down.
    pub recipients: i64,
    /// Those for whom something is still to be done.
    pub open: i64,
    /// By status; one that none has is left out.
    pub statuses: BTreeMap<String, i64>,
    /// When the last of those who get the variants first was handed over.
    pub sampled_at: Option<DateTime<Utc>>,
    /// The variant that won, once that is known.
    pub winner: Option<String>,
    /// Why that one: how each did, and whether it may be chance.
    #[schema(value_type = Option<Object>)]
    pub winner_why: Option<Value>,
    #[serde(flatten)]
    pub figures: CampaignFigures,
    pub variants: Vec<VariantFigures>,
    /// The same as it was when the run was over.
    #[schema(value_type = Option<Object>)]
    pub report: Option<Value>,
}

/// What came of some recipients.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct CampaignFigures {
    /// Messages that a provider took: sent, delivered, read or bounced.
    pub accepted: i64,
    /// Those that arrived: delivered or read.
    pub delivered: i64,
    pub read: i64,
    /// Delivered of accepted, 0 to 1; null if none was accepted.
    pub delivered_of_accepted: Option<f64>,
    /// Read of delivered; null if none was delivered.
    pub read_of_delivered: Option<f64>,
    /// Leads that converted after a message of it, within its days of attribution.
    pub conversions: i64,
    /// Conversions of accepted; null if none was accepted.
    pub conversion_of_accepted: Option<f64>,
    /// What the leads are worth that converted, in hundredths of the tenant's currency.
    pub value_cents: i64,
    /// What was spent, in the same.
    pub cost_cents: i64,
    /// What each conversion has cost; null if there was none.
    pub cost_per_conversion_cents: Option<i64>,
    /// What came back of what was spent, value less cost over cost; null if nothing was spent.
    pub roi: Option<f64>,
}

/// What came of a variant.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
#[schema(as = CampaignVariantFigures)]
pub struct VariantFigures {
    pub name: String,
    pub recipients: i64,
    #[serde(flatten)]
    pub figures: CampaignFigures,
}

/// How far the newest run of a campaign is, or the one that is named.
///
/// # Errors
/// If there is no such campaign, or it has no such run.
pub async fn progress(
    ctx: &Ctx,
    campaign: CampaignId,
    run: Option<CampaignRunId>,
) -> Result<CampaignProgress> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    let row = store::campaign(tx.conn(), ctx.tenant, campaign).await?.ok_or(Error::NotFound("campaign"))?;
    let run = find_run(&mut tx, campaign, run).await?;
    shown(&mut tx, &row, &run).await
}

/// The run of a campaign that is meant: the newest if none is named.
pub(super) async fn find_run(
    tx: &mut TenantTx,
    campaign: CampaignId,
    run: Option<CampaignRunId>,
) -> Result<RunRow> {
    let which = Which { id: run, campaign: Some(campaign), ..Which::default() };
    let tenant = tx.tenant;
    store::runs(tx.conn(), tenant, &which, 1).await?.pop().ok_or(Error::NotFound("run"))
}

/// The runs of a campaign, newest first, those before one.
///
/// # Errors
/// If there is no such campaign.
pub async fn runs(
    ctx: &Ctx,
    campaign: CampaignId,
    before: Option<CampaignRunId>,
    limit: i64,
) -> Result<Vec<CampaignProgress>> {
    ctx.require(Permission::CampaignsRead)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    as_of_one_moment(tx.conn()).await?;
    let row = store::campaign(tx.conn(), ctx.tenant, campaign).await?.ok_or(Error::NotFound("campaign"))?;
    let which = Which { campaign: Some(campaign), before, ..Which::default() };
    let mut all = Vec::new();
    for run in store::runs(tx.conn(), ctx.tenant, &which, limit).await? {
        all.push(shown(&mut tx, &row, &run).await?);
    }
    Ok(all)
}

pub(super) async fn shown(
    tx: &mut TenantTx,
    campaign: &CampaignRow,
    run: &RunRow,
) -> Result<CampaignProgress> {
    let tenant = tx.tenant;
    let counts = Counts::of(tx, run.id).await?;
    let came = store::conversions(tx.conn(), tenant, run.id).await?;
    let of = |variant: i16| came.get(&variant).copied().unwrap_or_default();
    // One that broke before it began goes by nothing.
    let frozen = Frozen::read(run).ok();
    let all =
        came.values().fold((0_i64, 0_i64), |(leads, value), (more, worth)| (leads + more, value + worth));
    let mut variants = Vec::new();
    if let Some(frozen) = &frozen {
        for (place, variant) in frozen.definition.content.variants.iter().enumerate() {
            let place = i16::try_from(place).unwrap_or(i16::MAX);
            let own = counts.of_variant(place);
            let figures = figures(&own, own.spent(frozen), of(place));
            variants.push(VariantFigures { name: variant.name.clone(), recipients: own.all(), figures });
        }
    }
    let spent = frozen.as_ref().map_or(Micros::ZERO, |frozen| counts.spent(frozen));
    let recurs = campaign.definition()?.recurs();
    let winner = run.winner.and_then(|place| usize::try_from(place).ok());
    let winner = winner.and_then(|place| variants.get(place)).map(|variant| variant.name.clone());
    Ok(CampaignProgress {
        campaign_id: run.campaign_id,
        run_id: run.id,
        status: campaign.status()?,
        run_status: run.status()?,
        pause_code: run.pause_code.clone(),
        pause_why: campaign.pause_code.as_deref().and_then(|code| pause_why(code, recurs)),
        broke: run.broke.clone(),
        due_at: run.due_at,
        started_at: run.started_at,
        planned_at: run.planned_at,
        finished_at: run.finished_at,
        recipients: counts.all(),
        open: counts.open(),
        statuses: counts.statuses(),
        sampled_at: run.sampled_at,
        winner,
        winner_why: run.winner_why.clone(),
        figures: figures(&counts, spent, all),
        variants,
        report: run.report.clone(),
    })
}

fn figures(counts: &Counts, spent: Micros, (conversions, value_cents): (i64, i64)) -> CampaignFigures {
    let read = counts.at(RecipientStatus::Read);
    let delivered = counts.at(RecipientStatus::Delivered) + read;
    let accepted = counts.those(accepted);
    let value = Micros::of_cents(value_cents);
    CampaignFigures {
        accepted,
        delivered,
        read,
        delivered_of_accepted: share(delivered, accepted),
        read_of_delivered: share(read, delivered),
        conversions,
        conversion_of_accepted: share(conversions, accepted),
        value_cents,
        cost_cents: spent.cents(),
        cost_per_conversion_cents: cost_per(spent, small(conversions)).map(Micros::cents),
        roi: roi(value, spent).and_then(|ten_thousandths| share(ten_thousandths, 10_000)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of recipients are far below 2^52")]
fn share(part: i64, whole: i64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{campaigns::rules::breaker, messages::provider::Channel};

    fn count(variant: i16, status: RecipientStatus, n: i64) -> Count {
        Count { variant: Some(variant), channel: Some(Channel::Sms), what: Counted::At(status), n, parts: n }
    }

    #[test]
    fn a_rate_says_what_it_is_a_share_of_and_is_null_over_nothing() {
        use RecipientStatus::{Bounced, Delivered, Failed, Planned, Queued, Read, Sent};
        let counts = Counts(vec![
            count(0, Planned, 4),
            count(0, Queued, 1),
            count(0, Sent, 3),
            count(0, Delivered, 5),
            count(1, Read, 1),
            count(1, Bounced, 1),
            count(1, Failed, 2),
            Count { what: Counted::FellBack, ..count(1, Failed, 7) },
        ]);
        assert_eq!((counts.all(), counts.open()), (17, 5), "what fell back is no recipient");
        let all = figures(&counts, Micros::of_cents(300), (2, 900));
        assert_eq!((all.accepted, all.delivered, all.read), (10, 6, 1));
        assert_eq!((all.delivered_of_accepted, all.read_of_delivered), (Some(0.6), Some(1.0 / 6.0)));
        assert_eq!((all.cost_per_conversion_cents, all.roi), (Some(150), Some(2.0)));
        let none = figures(&Counts::default(), Micros::ZERO, (0, 0));
        assert_eq!(
            (none.delivered_of_accepted, none.cost_per_conversion_cents, none.roi),
            (None, None, None)
        );
        assert_eq!(counts.tried(), breaker::Counts { tried: 19, failed: 10 }, "and was tried");
        let tally = counts.tally(1, |status| status == Read);
        assert_eq!((tally.sent, tally.hits), (2, 1));
    }
}
