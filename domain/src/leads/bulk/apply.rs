//! An action on leads that are locked, by the rules that hold for a single one.

use std::iter::repeat_n;

use super::{
    super::{
        lead::{MOST_TAGS, Status},
        status::{self, Before},
        store::{self, Common, Parts, RowToChange},
        tags,
        terms::{Plan, Terms},
    },
    action::LeadAction,
};
use crate::{
    Ctx,
    error::Result,
    events::{Event, EventType},
    privacy::{erasure, holds, restriction},
    routing::{hand_over, sweep},
    sequences::{enrol, leave},
    tenancy::TenantTx,
    types::{AgentId, LeadId, Text},
    workflows::of_lead,
};

/// What became of some leads; the others were so already.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub changed: Vec<LeadId>,
    /// Why leads were left as they are, one reason for each.
    pub refused: Vec<&'static str>,
}

/// Does it to these leads, and tells of each that it changes.
///
/// # Errors
/// If an agent that it names is gone by now, or the database does not answer.
pub(super) async fn apply(
    ctx: &Ctx,
    tx: &mut TenantTx,
    action: &LeadAction,
    rows: &[RowToChange],
) -> Result<Applied> {
    match action {
        LeadAction::SetStatus { status: to } => set_status(tx, rows, *to).await,
        LeadAction::SetOwner { agent_id } => set_owner(tx, rows, *agent_id).await,
        LeadAction::ClearOwner {} => clear_owner(tx, rows).await,
        LeadAction::SetSource { source } => {
            let other = those(rows, |row| row.source != source.as_str());
            put(tx, other, &Common { source: Some(*source), ..Common::default() }).await
        }
        LeadAction::SetValue { value_cents } => {
            let other = those(rows, |row| row.value_cents != Some(*value_cents));
            put(tx, other, &Common { value_cents: Some(*value_cents), ..Common::default() }).await
        }
        LeadAction::AddTags { tags: new } => {
            set_tags(ctx, tx, rows, |all| {
                tags::put_on(all, new.iter().map(Text::as_str));
            })
            .await
        }
        LeadAction::RemoveTags { tags: old } => set_tags(ctx, tx, rows, |all| tags::take_off(all, old)).await,
        LeadAction::Enrol { sequence_id } => {
            let entered = enrol::enter(tx, *sequence_id, &those(rows, |_| true), "/action").await?;
            Ok(Applied { changed: entered.leads, refused: vec!["been-through"; entered.refused] })
        }
        LeadAction::Leave { sequence_id } => {
            let changed = leave::these(tx, *sequence_id, &those(rows, |_| true)).await?;
            Ok(Applied { changed, refused: Vec::new() })
        }
        LeadAction::Delete {} => delete(tx, rows).await,
    }
}

fn those(rows: &[RowToChange], wanted: impl Fn(&RowToChange) -> bool) -> Vec<LeadId> {
    rows.iter().filter(|row| wanted(row)).map(|row| row.id).collect()
}

async fn put(tx: &mut TenantTx, leads: Vec<LeadId>, common: &Common) -> Result<Applied> {
    let tenant = tx.tenant;
    if !leads.is_empty() {
        store::update_many(tx.conn(), tenant, &leads, common).await?;
        tell(tx, EventType::LeadUpdated, &leads).await?;
    }
    Ok(Applied { changed: leads, refused: Vec::new() })
}

async fn tell(tx: &mut TenantTx, kind: EventType, leads: &[LeadId]) -> Result<()> {
    let told: Vec<Event> = leads.iter().map(|id| Event::new(kind, "lead", id)).collect();
    tx.emit(&told).await
}

async fn set_status(tx: &mut TenantTx, rows: &[RowToChange], to: Status) -> Result<Applied> {
    let common = Common { status: Some(to), ..Common::default() };
    let applied = put(tx, those(rows, |row| row.status != to.as_str()), &common).await?;
    let before: Vec<Before<'_>> = rows.iter().map(before).collect();
    status::follow(tx, &before, to).await?;
    Ok(applied)
}

fn before(row: &RowToChange) -> Before<'_> {
    Before { id: row.id, status: &row.status, owner: row.owner, team: row.team }
}

/// What is closed keeps its owner, for the reports.
async fn set_owner(tx: &mut TenantTx, rows: &[RowToChange], agent: AgentId) -> Result<Applied> {
    let (closed, open): (Vec<_>, Vec<_>) =
        rows.iter().filter(|row| row.owner != Some(agent)).partition(|row| before(row).is_closed());
    let going: Vec<LeadId> = open.iter().map(|row| row.id).collect();
    let changed = hand_over::give(tx, &going, agent).await?;
    let mut refused = vec!["closed"; closed.len()];
    refused.extend(repeat_n("agent-not-free", going.len() - changed.len()));
    Ok(Applied { changed, refused })
}

async fn clear_owner(tx: &mut TenantTx, rows: &[RowToChange]) -> Result<Applied> {
    let (closed, open): (Vec<_>, Vec<_>) =
        rows.iter().filter(|row| row.owner.is_some()).partition(|row| before(row).is_closed());
    let going: Vec<LeadId> = open.iter().map(|row| row.id).collect();
    let changed = hand_over::take(tx, &going).await?;
    Ok(Applied { changed, refused: vec!["closed"; closed.len()] })
}

async fn set_tags(
    ctx: &Ctx,
    tx: &mut TenantTx,
    rows: &[RowToChange],
    change: impl Fn(&mut Vec<String>),
) -> Result<Applied> {
    let (mut tagged, mut refused) = (Vec::new(), Vec::new());
    for row in rows {
        let mut all = row.tags.clone();
        change(&mut all);
        if all.len() > MOST_TAGS {
            refused.push("too-many-tags");
        } else if all.len() != row.tags.len() {
            tagged.push((row.id, all));
        }
    }
    let changed: Vec<LeadId> = tagged.iter().map(|(lead, _)| *lead).collect();
    if !changed.is_empty() {
        store::set_tags_of_many(tx.conn(), ctx.tenant, &tagged).await?;
        let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
        let plan = Plan::default();
        let mut terms = Terms::new(&index, &plan);
        for (lead, all) in &tagged {
            terms.add_tags(*lead, all.iter().map(String::as_str));
        }
        store::put_terms(tx.conn(), ctx.tenant, &changed, Parts::TAGS, &terms.into_made()).await?;
        tell(tx, EventType::LeadUpdated, &changed).await?;
    }
    Ok(Applied { changed, refused })
}

async fn delete(tx: &mut TenantTx, rows: &[RowToChange]) -> Result<Applied> {
    let tenant = tx.tenant;
    let busy = store::lock_calls(tx.conn(), tenant, &those(rows, |_| true)).await?;
    let held = holds::held_among(tx, &those(rows, |row| !busy.contains(&row.id))).await?;
    let open =
        erasure::open_among(tx, &those(rows, |row| !busy.contains(&row.id) && !held.contains(&row.id)))
            .await?;
    let stays =
        |row: &RowToChange| busy.contains(&row.id) || held.contains(&row.id) || open.contains(&row.id);
    let restricted = restriction::among(tx, &those(rows, |row| !stays(row))).await?;
    let stays = |row: &RowToChange| stays(row) || restricted.contains(&row.id);
    let going: Vec<&RowToChange> = rows.iter().filter(|row| !stays(row)).collect();
    let changed: Vec<LeadId> = going.iter().map(|row| row.id).collect();
    let owners: Vec<AgentId> = going.iter().filter_map(|row| row.owner).collect();
    of_lead::leads_go(tx, &changed).await?;
    // While they are there: the events say whose they were.
    tell(tx, EventType::LeadDeleted, &changed).await?;
    store::delete_many(tx.conn(), tenant, &changed).await?;
    sweep::wake_teams_of(tx, &owners).await?;
    let refused = [
        vec!["lead-busy"; busy.len()],
        vec!["legal-hold"; held.len()],
        vec!["erasure-open"; open.len()],
        vec!["lead-restricted"; restricted.len()],
    ]
    .concat();
    Ok(Applied { changed, refused })
}
