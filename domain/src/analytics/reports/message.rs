//! Messages that were asked for in a range, and what became of them; by channel, provider, template and purpose.

use super::frame::{Frame, MOST_GROUPS, Parts, are_cut, by_key, ids, ranked, together, word};
use crate::{
    analytics::{
        cubes::{Asked, Dimension},
        document::{ChartKind, Unit},
        measures::named,
        store,
    },
    error::Result,
    tenancy::TenantTx,
};

/// From the counters that are kept beside messages.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let mut parts = Parts::titled("Messages");
    let steps = store::all_messages(tx.conn(), tenant, &frame.borders()).await?;
    let sums = together(&steps);
    let before = together(&store::all_messages(tx.conn(), tenant, &frame.borders_before()).await?);
    parts.tiles_of(
        &[
            "message.count",
            "message.accepted",
            "message.delivery",
            "message.reading",
            "message.bouncing",
            "message.failed",
            "message.suppressed",
            "message.unknown",
        ],
        &sums,
        &before,
    );
    for (title, names) in [
        (
            "Messages by when they were asked for",
            &["message.count", "message.delivered", "message.failed"][..],
        ),
        ("Delivery", &["message.delivery", "message.bouncing"]),
    ] {
        let series: Vec<_> = names
            .iter()
            .filter_map(|name| named(name))
            .map(|one| (one.label, one, steps.as_slice()))
            .collect();
        let unit = series.first().map_or(Unit::Count, |(_, one, _)| one.unit);
        parts.charts.push(frame.drawn(title, (ChartKind::Line, unit), &series));
        parts.says(names);
    }
    let shown = [
        "message.count",
        "message.accepted",
        "message.delivered",
        "message.delivery",
        "message.reading",
        "message.bouncing",
        "message.failed",
        "message.suppressed",
    ];
    let asked =
        Asked::of(&[Dimension::Channel, Dimension::Provider, Dimension::Template, Dimension::Purpose]);
    let read = store::messages_by_day(tx.conn(), tenant, frame.cut(), &asked, MOST_GROUPS).await?;
    for (title, first, dimension, key) in [
        ("By channel", "Channel", Dimension::Channel, 0),
        ("By provider", "Provider", Dimension::Provider, 1),
        ("By template", "Template", Dimension::Template, 2),
        ("By purpose", "Purpose", Dimension::Purpose, 3),
    ] {
        let groups = by_key(&read, key);
        let found = ids(&groups, key);
        let names = match dimension {
            Dimension::Provider => store::providers(tx.conn(), tenant, &found).await?,
            Dimension::Template => store::templates(tx.conn(), tenant, &found).await?,
            _ => std::collections::HashMap::new(),
        };
        let name = |value: Option<&str>| {
            value.map_or_else(
                || "None".to_owned(),
                |text| names.get(text).cloned().unwrap_or_else(|| word(text)),
            )
        };
        let rows = ranked(groups, key, name);
        parts.table_of((title, first), &shown, rows, (&sums, are_cut(&read)));
    }
    Ok(parts)
}
