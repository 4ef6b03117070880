//! What is left of the person: rows are deleted, or what they say of the person is blanked, as the
//! [manifest] says, table by table in pages. Tables come from the last to the first, for a row
//! leads to the person by rows of tables before it.

use serde_json::json;

use super::{State, store};
use crate::{
    Ctx,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    privacy::manifest::{self, Row, Table, Who},
    routing::sweep,
    tenancy::TenantTx,
    types::{ErasureId, LeadId, SubjectId},
};

/// Rows of one transaction.
const PAGE: i64 = 500;

/// Goes through one page. Answers whether there may be more.
///
/// # Errors
/// If the database refuses; nothing of the page is done then.
pub async fn page(ctx: &Ctx, id: ErasureId) -> Result<bool> {
    let mut tx = ctx.begin().await?;
    let held = store::lock(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("erasure"))?;
    if held.state != State::Running {
        return Ok(false);
    }
    let Some(table) = table_at(held.place.as_deref()) else { return Ok(false) };
    let who = store::who(tx.conn(), ctx.tenant, id).await?;
    if table.name == "leads" {
        leads_go(&mut tx, &who).await?;
    }
    let done = store::tables::page(tx.conn(), ctx.tenant, table, &who, held.cursor.as_deref(), PAGE).await?;
    let deed = if table.row_on_erasure == Row::Deleted { "deleted" } else { "blanked" };
    store::add_count(tx.conn(), ctx.tenant, id, table.name, deed, done.changed).await?;
    // What came in since the keys were destroyed is found by nothing from now on: whose key it has is known before that, and
    // no certificate is written until that key is destroyed too.
    let late: Vec<(SubjectId, bool)> =
        done.subjects.iter().map(|subject| (SubjectId(*subject), false)).collect();
    store::add_subjects(tx.conn(), ctx.tenant, id, &late).await?;
    let more = done.rows >= usize::try_from(PAGE).unwrap_or(usize::MAX);
    let (place, cursor) = match (done.passed_over, more) {
        // Whoever seals values anew or settles a message had a row: what it is by now is seen by the next statement only.
        (true, _) => (table.name, held.cursor),
        (false, true) => (table.name, done.cursor),
        (false, false) => (next_after(table), None),
    };
    store::note_place(tx.conn(), ctx.tenant, id, Some(place), cursor.as_deref()).await?;
    tx.commit().await?;
    Ok(true)
}

/// Whoever watches hears that leads go, and who had them may get another.
async fn leads_go(tx: &mut TenantTx, who: &store::Who) -> Result<()> {
    let tenant = tx.tenant;
    let there = store::leads_there(tx.conn(), tenant, &who.leads).await?;
    for lead in &there {
        sweep::lead_closes(tx, *lead).await?;
    }
    let gone = |lead: &LeadId| Event::new(EventType::LeadDeleted, "lead", lead);
    tx.emit(&there.iter().map(gone).collect::<Vec<_>>()).await?;
    let entry = |lead: &LeadId| Entry::new("delete", "lead", lead).detail(json!({ "cause": "erasure" }));
    tx.audit(&there.iter().map(entry).collect::<Vec<_>>()).await
}

/// The tables of which something goes, in their order here.
fn tables() -> Vec<&'static Table> {
    let mut all: Vec<&Table> = manifest::tables()
        .filter(|table| table.who != Who::Staff)
        .filter(|table| {
            table.row_on_erasure == Row::Deleted || store::tables::blanked(table).next().is_some()
        })
        .collect();
    all.reverse();
    all
}

/// What stands for the end of all tables.
const OVER: &str = "";

/// Whether all tables were gone through.
pub(super) fn are_done(place: Option<&str>) -> bool {
    place == Some(OVER)
}

fn table_at(place: Option<&str>) -> Option<&'static Table> {
    match place {
        None => tables().first().copied(),
        Some(OVER) => None,
        Some(name) => tables().into_iter().find(|table| table.name == name),
    }
}

fn next_after(table: &Table) -> &'static str {
    let mut rest = tables().into_iter().skip_while(|other| other.name != table.name).skip(1);
    rest.next().map_or(OVER, |next| next.name)
}
