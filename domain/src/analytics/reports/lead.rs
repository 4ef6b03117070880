//! Leads that came in in a range, as they are now: status, source, engagement, how far they came, and what they cost and
//! brought.

use super::frame::{Frame, MOST_GROUPS, Parts, are_cut, by_key, ids, ranked, together, word};
use crate::{
    analytics::{
        cubes::{Asked, Dimension},
        document::{Chart, ChartKind, Series, Unit},
        make::stands_for,
        measures::{lead, named},
        store,
    },
    error::Result,
    tenancy::TenantTx,
};

const STAGES: [&str; 5] =
    ["lead.count", "lead.contacted", "lead.qualified", "lead.proposal", "lead.converted"];

/// By source, status, team and owner; drawn by when they came in.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let cut = frame.cut();
    let mut parts = Parts::titled("Leads");
    let steps = store::all_leads(tx.conn(), tenant, &frame.borders()).await?;
    let sums = together(&steps);
    let before = together(&store::all_leads(tx.conn(), tenant, &frame.borders_before()).await?);
    parts.tiles_of(
        &[
            "lead.count",
            "lead.conversion",
            "lead.converted",
            "lead.lost",
            "lead.engagement",
            "lead.activities",
            "lead.value",
            "lead.cost",
            "lead.cost_each",
            "lead.cost_converted",
            "lead.roi",
        ],
        &sums,
        &before,
    );
    if let (Some(count), Some(converted), Some(engaged)) =
        (named("lead.count"), named("lead.converted"), named("lead.engagement"))
    {
        let series = [("Leads", count, steps.as_slice()), ("Converted", converted, steps.as_slice())];
        parts.charts.push(frame.drawn("Leads by when they came in", (ChartKind::Line, Unit::Count), &series));
        let series = [("Engagement", engaged, steps.as_slice())];
        parts.charts.push(frame.drawn("Engagement", (ChartKind::Line, Unit::Ratio), &series));
    }
    parts.charts.push(funnel(&sums));
    parts.says(&STAGES);
    let shown = [
        "lead.count",
        "lead.engagement",
        "lead.contacted",
        "lead.qualified",
        "lead.proposal",
        "lead.converted",
        "lead.lost",
        "lead.conversion",
        "lead.value",
        "lead.cost",
        "lead.roi",
    ];
    let asked = Asked::of(&[Dimension::Source, Dimension::Status, Dimension::Team]);
    let read = store::leads_by_day(tx.conn(), tenant, cut, &asked, MOST_GROUPS).await?;
    for (title, first, dimension, key) in [
        ("By source", "Source", Dimension::Source, 0),
        ("By status", "Status", Dimension::Status, 1),
        ("By team", "Team", Dimension::Team, 2),
    ] {
        let groups = by_key(&read, key);
        let teams = match dimension {
            Dimension::Team => store::teams(tx.conn(), tenant, &ids(&groups, key)).await?,
            _ => std::collections::HashMap::new(),
        };
        let name = |value: Option<&str>| match value {
            Some(id) if dimension == Dimension::Team => {
                teams.get(id).cloned().unwrap_or_else(|| id.to_owned())
            }
            Some(text) => word(text),
            None => "None".to_owned(),
        };
        let rows = ranked(groups, key, name);
        parts.table_of((title, first), &shown, rows, (&sums, are_cut(&read)));
    }
    let owners =
        store::leads_by_owner(tx.conn(), tenant, cut, &Asked::of(&[Dimension::Owner]), MOST_GROUPS).await?;
    let name = |id: Option<&str>| id.map_or_else(|| "Nobody".to_owned(), stands_for);
    let shown = ["lead.count", "lead.converted", "lead.lost", "lead.conversion", "lead.value"];
    let more = are_cut(&owners);
    parts.table_of(("By owner", "Owner"), &shown, ranked(owners, 0, name), (&sums, more));
    Ok(parts)
}

/// How many came how far.
fn funnel(sums: &[i64]) -> Chart {
    let stages: Vec<_> = STAGES.iter().filter_map(|name| named(name)).collect();
    let whole = vec![0; lead::ALL];
    let sums = if sums.is_empty() { &whole } else { sums };
    Chart {
        title: "How far they came".into(),
        kind: ChartKind::Bar,
        unit: Unit::Count,
        labels: stages.iter().map(|stage| stage.label.to_owned()).collect(),
        series: vec![Series {
            name: "Leads".into(),
            values: stages.iter().map(|stage| stage.value(sums)).collect(),
        }],
    }
}
