//! Rows that take others back: as if those had never been, on the day on which they were given.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::{
    NewEntry, Source,
    store::{self, EntryRow},
    write,
};
use crate::{error::Result, gamification::Deed, tenancy::TenantTx, types::PointEntryId};

/// Rows that one thing can have been given: one for itself, and one for each rule.
const MOST: i64 = 500;

/// Takes back what was given for a deed with something up to an instant: what was done after that stays, also where the log is
/// read once more. Answers how many rows.
///
/// # Errors
/// If the database refuses.
pub(in crate::gamification) async fn undo(
    tx: &mut TenantTx,
    zone: Tz,
    deed: Deed,
    of_what: (&str, DateTime<Utc>),
) -> Result<usize> {
    let tenant = tx.tenant;
    let ids = store::of_subject(tx.conn(), tenant, deed.as_str(), of_what, MOST).await?;
    let rows = of(tx, &ids, "undone").await?;
    Ok(write(tx, zone, rows).await?.len())
}

/// Whether something was given for a deed with something up to an instant that was not taken back.
///
/// # Errors
/// If the database does not answer.
pub(in crate::gamification) async fn is_given(
    tx: &mut TenantTx,
    deed: Deed,
    of_what: (&str, DateTime<Utc>),
) -> Result<bool> {
    let tenant = tx.tenant;
    Ok(!store::of_subject(tx.conn(), tenant, deed.as_str(), of_what, 1).await?.is_empty())
}

/// The rows that take these back, but for those that were taken back before.
///
/// # Errors
/// If the database does not answer.
pub(in crate::gamification) async fn of(
    tx: &mut TenantTx,
    ids: &[PointEntryId],
    reason: &'static str,
) -> Result<Vec<NewEntry>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant;
    let rows = store::these(tx.conn(), tenant, ids).await?;
    let by = tx.actor().id();
    let open = rows.into_iter().filter(|row| row.reversed_by.is_none());
    let chance = tx.platform.chance.clone();
    Ok(open.map(|row| NewEntry { by, ..reversal(chance.id(), &row, reason) }).collect())
}

fn reversal(id: uuid::Uuid, row: &EntryRow, reason: &'static str) -> NewEntry {
    let source = Source::named(&row.source);
    let applied = row.rule_id.is_some() && (row.points != 0 || row.withheld == 0);
    NewEntry {
        team: row.team_id,
        day: Some(row.day),
        points: -row.points,
        deed: row.deed.as_deref().and_then(Deed::named),
        subject: row.subject.clone(),
        rule: row.rule_id,
        deeds: -row.deeds,
        times: -i16::from(applied),
        reverses: Some(row.id),
        reason: Some(reason),
        in_games: matches!(source, Some(Source::Deed | Source::Hand)),
        ..NewEntry::of(id, row.agent_id, Source::Reversal, format!("reversal:{}", row.id), row.at)
    }
}
