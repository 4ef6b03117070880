//! The reports, a file each: what it shows, and where from. All of them are made of sums that are kept, so what is read grows
//! with the range and what is told apart, and not with calls, leads or messages.

mod agent;
mod call;
mod campaign;
mod frame;
mod gamification;
mod job;
mod lead;
mod message;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::frame::{Frame, Parts};
use super::{
    document::{Report, ReportKind},
    make::MakeReport,
    measures::{self, Measure},
    metrics::added_up,
    store,
};
use crate::{agents::people, error::Result, tenancy::TenantTx};

/// Makes a report of what is kept at this moment, on the calendar of this zone or the tenant's own.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn made(
    tx: &mut TenantTx,
    id: Uuid,
    asked: &MakeReport,
    zone: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Report> {
    let tenant = tx.tenant;
    added_up(tx).await?;
    let (name, own) = store::tenant(tx.conn(), tenant).await?;
    let zone = zone.map_or(own, ToOwned::to_owned);
    let frame = Frame::of(asked.dates, people::zone(None, &zone), now);
    let counted_until = store::counted_until(tx.conn(), tenant).await?.unwrap_or(frame.range.from);
    let parts: Parts = match asked.kind {
        ReportKind::Lead => lead::parts(tx, &frame).await?,
        ReportKind::Call => call::parts(tx, &frame).await?,
        ReportKind::Campaign => campaign::parts(tx, &frame).await?,
        ReportKind::Agent => agent::parts(tx, &frame).await?,
        ReportKind::Message => message::parts(tx, &frame).await?,
        ReportKind::Job => job::parts(tx, &frame).await?,
        ReportKind::Gamification => gamification::parts(tx, &frame).await?,
    };
    Ok(Report {
        id,
        kind: asked.kind,
        title: parts.title.to_owned(),
        tenant: name,
        range: frame.range,
        zone,
        made_at: now,
        counted_until,
        tiles: parts.tiles,
        charts: parts.charts,
        tables: parts.tables,
        measures: parts.measures.iter().filter_map(|name| measures::named(name)).map(Measure::note).collect(),
    })
}
