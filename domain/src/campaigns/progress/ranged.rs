//! What came of the runs that began in a range: for reports. Few statements, however many runs there are.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::{CampaignFigures, Counts, figures, small};
use crate::{
    campaigns::{
        rules::budget::{Micros, cost_per, roi},
        run::Frozen,
        store,
    },
    error::Result,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId},
};

/// What came of a run, or of a variant of it.
#[derive(Debug, Clone)]
pub(crate) struct Came {
    /// None of a run as a whole.
    pub variant: Option<String>,
    pub recipients: i64,
    pub figures: CampaignFigures,
    /// Exactly, for whoever adds up.
    pub spent: Micros,
}

/// A run that began in a range.
#[derive(Debug, Clone)]
pub(crate) struct RangedRun {
    pub campaign: CampaignId,
    pub name: String,
    pub whole: Came,
    pub variants: Vec<Came>,
}

/// The runs that began in a range, the first so many by when they did.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn between(
    tx: &mut TenantTx,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    limit: i64,
) -> Result<Vec<RangedRun>> {
    let tenant = tx.tenant;
    let rows = store::runs_between(tx.conn(), tenant, (from, to), limit).await?;
    let ids: Vec<CampaignRunId> = rows.iter().map(|row| row.id).collect();
    let mut counts: HashMap<CampaignRunId, Counts> = HashMap::new();
    for (run, count) in store::counts_of(tx.conn(), tenant, &ids).await? {
        counts.entry(run).or_default().0.push(count);
    }
    let mut came: HashMap<CampaignRunId, HashMap<i16, (i64, i64)>> = HashMap::new();
    for (run, variant, leads, value) in store::conversions_of(tx.conn(), tenant, &ids).await? {
        came.entry(run).or_default().insert(variant, (leads, value));
    }
    let runs = rows.into_iter().map(|row| {
        let counts = counts.remove(&row.id).unwrap_or_default();
        let came = came.remove(&row.id).unwrap_or_default();
        // One that broke before it began goes by nothing.
        let frozen: Option<Frozen> = serde_json::from_value(row.frozen).ok();
        let all = came.values().fold((0, 0), |(leads, value), (more, worth)| (leads + more, value + worth));
        let part = |variant: Option<String>, counts: &Counts, all| {
            let spent = frozen.as_ref().map_or(Micros::ZERO, |frozen| counts.spent(frozen));
            Came { variant, recipients: counts.all(), figures: figures(counts, spent, all), spent }
        };
        let named = frozen.as_ref().map(|frozen| frozen.definition.content.variants.as_slice());
        let variants = named.unwrap_or_default().iter().enumerate().map(|(place, variant)| {
            let place = i16::try_from(place).unwrap_or(i16::MAX);
            let own = counts.of_variant(place);
            part(Some(variant.name.clone()), &own, came.get(&place).copied().unwrap_or_default())
        });
        let variants = variants.collect();
        RangedRun {
            campaign: row.campaign,
            name: row.name,
            whole: part(None, &counts, all),
            variants,
        }
    });
    Ok(runs.collect())
}

/// Several of them together: money is added exactly, and rates are told anew.
pub(crate) fn together<'c>(parts: impl Iterator<Item = &'c Came>) -> Came {
    let mut sum = Came {
        variant: None,
        recipients: 0,
        figures: figures(&Counts::default(), Micros::ZERO, (0, 0)),
        spent: Micros::ZERO,
    };
    for part in parts {
        sum.recipients += part.recipients;
        sum.spent = sum.spent + part.spent;
        sum.figures.accepted += part.figures.accepted;
        sum.figures.delivered += part.figures.delivered;
        sum.figures.read += part.figures.read;
        sum.figures.conversions += part.figures.conversions;
        sum.figures.value_cents += part.figures.value_cents;
    }
    let all = &mut sum.figures;
    all.delivered_of_accepted = super::share(all.delivered, all.accepted);
    all.read_of_delivered = super::share(all.read, all.delivered);
    all.conversion_of_accepted = super::share(all.conversions, all.accepted);
    all.cost_cents = sum.spent.cents();
    all.cost_per_conversion_cents = cost_per(sum.spent, small(all.conversions)).map(Micros::cents);
    all.roi = roi(Micros::of_cents(all.value_cents), sum.spent)
        .and_then(|ten_thousandths| super::share(ten_thousandths, 10_000));
    sum
}
