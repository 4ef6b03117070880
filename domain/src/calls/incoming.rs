//! How a call begins: whom it is with, and for an incoming one who takes it. One transaction finds the lead, chooses the
//! agent and tells them; who finds nobody waits in the team's queue. A call that nothing says a team of is refused where a
//! program begins it; where a phone system tells of it it is over at once, and its outcome says why.

use std::collections::BTreeSet;

use chrono::{DateTime, SubsecRound, Utc};
use serde_json::json;

use super::{
    call::{Direction, place},
    effects,
    held::HeldCall,
    minding,
    outcome::CallOutcome,
    ringing,
    rules::CallStatus,
    store::{self, NewRow},
};
use crate::{
    Ctx,
    access::rows::Rows,
    agents,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{lead::subject, merged},
    routing::for_calls::{Found, Wanted, find, lock_agents},
    tenancy::{self, TenantTx},
    types::{AgentId, CallId, CallSourceId, E164, LeadId, SubjectId, TeamId},
    vault::Vault,
};

/// A call that nobody knows of yet.
pub(super) struct Begin {
    pub direction: Direction,
    pub number: E164,
    pub lead: Option<LeadId>,
    /// Whose call it is, if that is known.
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    /// Whose agents take an incoming one that nothing else says a team of; the tenant's default team if there is none.
    pub otherwise: Option<TeamId>,
    /// The phone system that tells of it, and what it calls it.
    pub source: Option<(CallSourceId, String)>,
    /// It goes on right now: somebody is to pick it up.
    pub live: bool,
    /// Since when, as far as is known.
    pub since: DateTime<Utc>,
    /// Where the request names lead, agent and team, for what is wrong with them.
    pub at: &'static str,
}

/// The newest open lead of a number that somebody sees.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn lead_of(
    ctx: &Ctx,
    tx: &mut TenantTx,
    number: &E164,
    all: bool,
) -> Result<Option<LeadId>> {
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let index = keys.index("leads.phone", number.as_str());
    let seen = if all { Rows::All } else { ctx.rows };
    store::lead_of_number(tx.conn(), ctx.tenant, &index, seen).await
}

/// Writes a call down, offers an incoming one to somebody, and tells of it.
///
/// # Errors
/// If agent or team are not there, nothing says whose agents take it, or the agent's or the team's calls are not for the
/// caller to see.
pub(super) async fn begin(ctx: &Ctx, tx: &mut TenantTx, new: Begin) -> Result<HeldCall> {
    let lead = match new.lead {
        Some(lead) => lock_lead(tx, lead).await?,
        None => None,
    };
    if let Some(team) = new.team {
        seen_queue(ctx, tx, team, new.at).await?;
    }
    let (agent, team) = whose(ctx, tx, &new, lead).await?;
    let id = CallId(ctx.id());
    let incoming = new.direction == Direction::Inbound;
    let rings = incoming && new.live && agent.is_some();
    // Nobody will ever be asked to take it.
    let lone = incoming && new.live && agent.is_none() && team.is_none();
    if lone && new.source.is_none() {
        let detail =
            "nothing says whose agents take this call; name a team, or set the tenant's default team";
        return Err(Error::conflict("no-team", detail));
    }
    let (now, since) = (ringing::now(tx), new.since.trunc_subsecs(6));
    // Whom a phone system rings is asked for as long as the phone system says.
    let until = if rings && new.agent.is_none() { Some(ringing::until(tx, team).await?) } else { None };
    let mut call = HeldCall {
        id,
        direction: new.direction,
        status: if rings { CallStatus::Ringing } else { CallStatus::Queued },
        lead_id: lead,
        agent_id: agent,
        team_id: team,
        subject_id: lead.map_or(SubjectId(id.0), subject),
        outcome: None,
        satisfaction: None,
        value_cents: None,
        started_at: since,
        ringing_at: rings.then_some(since),
        answered_at: None,
        talks_since: None,
        ended_at: None,
        ring_until: until,
        entered_at: now,
        passed: Vec::new(),
        overdue_at: None,
        version: 1,
    };
    let keys = Vault::make_subjects(tx, &[call.subject_id]).await?;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let number = new.number.as_str();
    let sealed =
        keys.seal(&ctx.platform, call.subject_id, &place(ctx.tenant, "number_sealed", id), number)?;
    let row = NewRow {
        source: new.source,
        number_sealed: sealed,
        number_index: index.index("calls.number", number),
    };
    store::insert(tx.conn(), ctx.tenant, &call, &row).await?;
    let detail = json!({ "direction": call.direction, "source_id": row.source.map(|(source, _)| source) });
    tx.audit(&[Entry::new("create", "call", id).detail(detail)]).await?;
    let event = |kind| Event::new(kind, "call", id).with(call.body());
    let told = match (new.live, rings) {
        (true, true) => vec![event(EventType::CallRinging), event(EventType::CallIncoming)],
        (true, false) if !lone => vec![event(EventType::CallQueued)],
        _ => Vec::new(),
    };
    tx.emit(&told).await?;
    if lone {
        effects::end(tx, &mut call, (CallStatus::Abandoned, now), Some((CallOutcome::NoTeam, None))).await?;
    } else if new.live {
        minding::mind(tx, std::slice::from_ref(&call)).await?;
    }
    Ok(call)
}

/// Locks a lead, or what it was merged into while it was waited for; none if it is gone.
async fn lock_lead(tx: &mut TenantTx, mut lead: LeadId) -> Result<Option<LeadId>> {
    let tenant = tx.tenant;
    loop {
        if let Some(held) = store::lock_lead(tx.conn(), tenant, lead).await? {
            return Ok(Some(held.id));
        }
        let Some(winner) = merged::merged_into(tx, lead).await? else { return Ok(None) };
        lead = winner;
    }
}

/// Refuses a team that is not there, or whose calls the caller does not see; one that is stays until commit.
async fn seen_queue(ctx: &Ctx, tx: &mut TenantTx, team: TeamId, at: &str) -> Result<()> {
    let at = format!("{at}/team_id");
    let is_seen = match ctx.rows {
        Rows::All => true,
        Rows::Team(own) => own == team,
        Rows::Own(Some(agent)) => agents::store::team_of(tx.conn(), ctx.tenant, agent).await? == Some(team),
        Rows::Own(None) => false,
    };
    if !is_seen {
        return Err(Error::beyond(at, "you do not see this team's calls; name your own team"));
    }
    if agents::store::share_team(tx.conn(), ctx.tenant, team).await? {
        return Ok(());
    }
    Err(Error::invalid(at, "there is no such team"))
}

/// Whose call it is, and of which team: as is said, or of an incoming one whoever can take it.
async fn whose(
    ctx: &Ctx,
    tx: &mut TenantTx,
    new: &Begin,
    lead: Option<LeadId>,
) -> Result<(Option<AgentId>, Option<TeamId>)> {
    let Some(agent) = new.agent else {
        if new.direction == Direction::Inbound && new.live {
            let otherwise = match new.otherwise {
                Some(team) => Some(team),
                None => tenancy::store::default_team(tx.conn(), ctx.tenant).await?,
            };
            let but = BTreeSet::new();
            let wanted = Wanted { lead, named: new.team, otherwise, but: &but, holder: None };
            let Found { agent, team } = find(tx, wanted).await?;
            return Ok((agent, team));
        }
        return Ok((None, new.team));
    };
    let team = seen_team(ctx, tx, agent, new.at).await?;
    if new.direction == Direction::Inbound && new.live {
        // It rings: whoever counts the agent's calls waits for it.
        lock_agents(tx, &[agent]).await?;
    }
    Ok((Some(agent), new.team.or(team)))
}

/// The team of an agent whose calls the caller sees, and who is not deleted before this transaction ends. Nobody waits for
/// that but who would delete them: leads and teams may still be to come.
///
/// # Errors
/// If there is none, or they are not for the caller to see.
pub(super) async fn seen_team(
    ctx: &Ctx,
    tx: &mut TenantTx,
    agent: AgentId,
    at: &str,
) -> Result<Option<TeamId>> {
    let at = format!("{at}/agent_id");
    if !agents::store::share_agent(tx.conn(), ctx.tenant, agent).await? {
        return Err(Error::invalid(at, "there is no such agent"));
    }
    let team = agents::store::team_of(tx.conn(), ctx.tenant, agent).await?;
    if ctx.rows.hold(Some(agent), team) {
        return Ok(team);
    }
    Err(Error::beyond(at, "you do not see this agent's calls; name one whose calls you see"))
}
