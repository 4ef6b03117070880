//! Campaigns by the runs of them that began in a range: what they cost and brought, and how their variants did.

use std::collections::BTreeMap;

use super::frame::{Frame, MOST_ROWS, Parts, column};
use crate::{
    analytics::{
        document::{Cell, Chart, ChartKind, ColumnKind, Figure, Series, Table, Unit},
        measures::real,
    },
    campaigns::progress::ranged::{Came, RangedRun, between, together},
    error::Result,
    tenancy::TenantTx,
    types::CampaignId,
};

/// Runs that are looked at, the first of a range.
const MOST: usize = 500;

const SHOWN: [&str; 10] = [
    "campaign.recipients",
    "campaign.accepted",
    "campaign.delivery",
    "campaign.conversions",
    "campaign.conversion",
    "campaign.cost",
    "campaign.value",
    "campaign.cost_each",
    "campaign.cost_converted",
    "campaign.roi",
];

/// By campaign and by variant.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let limit = i64::try_from(MOST + 1).unwrap_or(i64::MAX);
    let mut runs = between(tx, (frame.range.from, frame.range.to), limit).await?;
    let cut = runs.len() > MOST;
    runs.truncate(MOST);
    let mut earlier = between(tx, (frame.before.from, frame.before.to), limit).await?;
    earlier.truncate(MOST);
    let (now, before) = (all(&runs), all(&earlier));
    let mut parts = Parts::titled("Campaigns");
    for (place, name) in SHOWN.into_iter().enumerate() {
        parts.tile(name, (figure(&now, place), figure(&before, place)));
    }
    let mut campaigns: BTreeMap<CampaignId, Vec<&RangedRun>> = BTreeMap::new();
    for run in &runs {
        campaigns.entry(run.campaign).or_default().push(run);
    }
    let mut rows: Vec<(String, Came)> = campaigns
        .values()
        .map(|runs| (runs[0].name.clone(), together(runs.iter().map(|run| &run.whole))))
        .collect();
    rows.sort_by(|one, other| other.1.recipients.cmp(&one.1.recipients).then(one.0.cmp(&other.0)));
    parts.charts.push(drawn(&rows));
    parts.tables.push(table("By campaign", &["Campaign"], &labelled(&rows), (&now, cut)));
    parts.tables.push(table("By variant", &["Campaign", "Variant"], &variants(&campaigns), (&now, cut)));
    Ok(parts)
}

fn all(runs: &[RangedRun]) -> Came {
    together(runs.iter().map(|run| &run.whole))
}

/// The measure in this place of [`SHOWN`].
fn figure(came: &Came, place: usize) -> Option<Figure> {
    let (figures, whole) = (&came.figures, Figure::Whole);
    match place {
        0 => Some(whole(came.recipients)),
        1 => Some(whole(figures.accepted)),
        2 => figures.delivered_of_accepted.map(Figure::Real),
        3 => Some(whole(figures.conversions)),
        4 => figures.conversion_of_accepted.map(Figure::Real),
        5 => Some(whole(figures.cost_cents)),
        6 => Some(whole(figures.value_cents)),
        7 => (figures.accepted > 0).then(|| Figure::Real(real(came.spent.0) / 1e6 / real(figures.accepted))),
        8 => figures.cost_per_conversion_cents.map(whole),
        _ => figures.roi.map(Figure::Real),
    }
}

fn labelled(rows: &[(String, Came)]) -> Vec<(Vec<String>, Came)> {
    rows.iter().map(|(name, came)| (vec![name.clone()], came.clone())).collect()
}

/// The variants of each campaign, those of one name in several runs of it together.
fn variants(campaigns: &BTreeMap<CampaignId, Vec<&RangedRun>>) -> Vec<(Vec<String>, Came)> {
    let mut rows = Vec::new();
    for runs in campaigns.values() {
        let mut named: BTreeMap<&str, Vec<&Came>> = BTreeMap::new();
        for came in runs.iter().flat_map(|run| &run.variants) {
            named.entry(came.variant.as_deref().unwrap_or_default()).or_default().push(came);
        }
        let of = |(name, parts): (&str, Vec<&Came>)| {
            (vec![runs[0].name.clone(), name.to_owned()], together(parts.into_iter()))
        };
        rows.extend(named.into_iter().map(of));
    }
    rows
}

fn table(title: &str, first: &[&str], rows: &[(Vec<String>, Came)], (all, cut): (&Came, bool)) -> Table {
    let kinds = [
        ("Recipients", ColumnKind::Count),
        ("Accepted", ColumnKind::Count),
        ("Delivery", ColumnKind::Ratio),
        ("Conversions", ColumnKind::Count),
        ("Conversion", ColumnKind::Ratio),
        ("Cost", ColumnKind::Cents),
        ("Value", ColumnKind::Cents),
        ("Cost per lead", ColumnKind::Cents),
        ("Cost per conversion", ColumnKind::Cents),
        ("Return", ColumnKind::Ratio),
    ];
    let line = |names: Vec<Option<Cell>>, came: &Came| -> Vec<Option<Cell>> {
        let cells = (0..SHOWN.len()).map(|place| figure(came, place).map(Cell::Figure));
        names.into_iter().chain(cells).collect()
    };
    let named = |names: &[String]| names.iter().map(|name| Some(Cell::Text(name.clone()))).collect();
    let mut total = vec![Some(Cell::from("Total"))];
    total.resize(first.len(), None);
    Table {
        title: title.to_owned(),
        columns: first
            .iter()
            .map(|name| column(name, ColumnKind::Text))
            .chain(kinds.iter().map(|(name, kind)| column(name, *kind)))
            .collect(),
        rows: rows.iter().take(MOST_ROWS).map(|(names, came)| line(named(names), came)).collect(),
        totals: (!rows.is_empty()).then(|| line(total, all)),
        cut: cut || rows.len() > MOST_ROWS,
    }
}

fn drawn(rows: &[(String, Came)]) -> Chart {
    let rows: Vec<_> = rows.iter().take(20).collect();
    let series = |name: &str, of: fn(&Came) -> i64| Series {
        name: name.to_owned(),
        values: rows.iter().map(|(_, came)| Some(Figure::Whole(of(came)))).collect(),
    };
    Chart {
        title: "Cost and value".into(),
        kind: ChartKind::Bar,
        unit: Unit::Cents,
        labels: rows.iter().map(|(name, _)| name.clone()).collect(),
        series: vec![
            series("Cost", |came| came.figures.cost_cents),
            series("Value", |came| came.figures.value_cents),
        ],
    }
}
