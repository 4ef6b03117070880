//! Calls as they are looked at, as far as the caller's role sees.

use chrono::{DateTime, Utc};

use super::{
    call::{CallView, place},
    held::{talk_s, wait_s},
    rules::CallStatus,
    store::{self, Asked},
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    types::{AgentId, CallId, E164, LeadId, SubjectId, TeamId},
    vault::{Personal, Vault, mask},
};

/// Which calls to list.
#[derive(Debug, Default)]
pub struct Filter {
    pub id: Option<CallId>,
    pub lead: Option<LeadId>,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub status: Option<CallStatus>,
    /// Begun at this instant or after it.
    pub from: Option<DateTime<Utc>>,
    /// Begun before this instant.
    pub to: Option<DateTime<Utc>>,
    pub number: Option<E164>,
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If a permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, filter: &Filter, before: Option<CallId>, limit: i64) -> Result<Vec<CallView>> {
    ctx.require(Permission::CallsRead)?;
    if filter.number.is_some() {
        // What is found tells the value.
        ctx.require(Permission::PersonalRead)?;
    }
    read(ctx, filter, before, limit).await
}

/// # Errors
/// If there is no such call.
pub async fn get(ctx: &Ctx, id: CallId) -> Result<CallView> {
    ctx.require(Permission::CallsRead)?;
    one(ctx, id).await
}

/// One call for whoever has just changed it.
pub(super) async fn one(ctx: &Ctx, id: CallId) -> Result<CallView> {
    let filter = Filter { id: Some(id), ..Filter::default() };
    read(ctx, &filter, None, 1).await?.pop().ok_or(Error::NotFound("call"))
}

async fn read(ctx: &Ctx, filter: &Filter, before: Option<CallId>, limit: i64) -> Result<Vec<CallView>> {
    let mut tx = ctx.begin().await?;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let number = filter.number.as_ref().map(|number| index.index("calls.number", number.as_str()));
    let asked = Asked { filter, number: number.as_deref(), before, limit };
    let rows = store::calls(tx.conn(), ctx.tenant, &asked, ctx.rows).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    rows.into_iter()
        .map(|row| {
            let open = |column, sealed: Option<&Vec<u8>>| -> Result<Option<String>> {
                let Some(sealed) = sealed else { return Ok(None) };
                keys.open(&place(ctx.tenant, column, row.id), sealed)
            };
            let number = ctx.seen(open("number_sealed", Some(&row.number_sealed))?, mask::phone);
            let notes = ctx.seen_whole(open("notes_sealed", row.notes_sealed.as_ref())?);
            let recording = ctx.seen_whole(open("recording_sealed", row.recording_sealed.as_ref())?);
            Ok(CallView {
                id: row.id,
                direction: row.direction,
                status: row.status,
                lead_id: row.lead_id,
                agent_id: row.agent_id,
                team_id: row.team_id,
                source_id: row.source_id,
                external_id: row.external_id,
                number,
                outcome: row.outcome,
                satisfaction: row.satisfaction,
                notes: notes.map(Personal::new),
                recording: recording.map(Personal::new),
                value_cents: row.value_cents,
                wait_s: wait_s(row.started_at, row.answered_at, row.ended_at),
                talk_s: talk_s(row.answered_at, row.ended_at),
                started_at: row.started_at,
                ringing_at: row.ringing_at,
                answered_at: row.answered_at,
                ended_at: row.ended_at,
                disposed_at: row.disposed_at,
                ring_until: row.ring_until,
                version: row.version,
            })
        })
        .collect()
}
