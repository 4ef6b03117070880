//! What is changed about an agent, and who may.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::json;

use super::{
    availability::AgentStatus,
    people::{AgentView, name_place, one},
    status,
    store::{self, HeldAgent},
};
use crate::{
    Ctx,
    access::{permission::Permission, rights::held_now, roles::tell_of, users::reach},
    audit::Entry,
    error::{Error, FieldError, Result},
    routing::sweep,
    tenancy::TenantTx,
    types::{AgentId, SubjectId, TeamId, Text, UserId, Zone, nullable},
    vault::Vault,
};

/// What to change; absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<200>>,
    /// As PUT /api/v1/agents/{id}/status sets it.
    pub status: Option<AgentStatus>,
    pub capacity: Option<i32>,
    /// 1 to 100.
    pub weight: Option<i32>,
    /// A name of the IANA time zone database. Null reads shifts in the tenant's zone.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub zone: Option<Option<Zone>>,
    /// Null takes the agent out of their team.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub team_id: Option<Option<TeamId>>,
    /// Who logs in as this agent. Null takes the link away.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<UserId>)]
    pub user_id: Option<Option<UserId>>,
    /// The version the change was made for; another one in the meantime is answered with 409.
    pub version: Option<i64>,
}

impl AgentChange {
    /// Whether it changes what somebody sees.
    fn gives_rights(&self) -> bool {
        self.team_id.is_some() || self.user_id.is_some()
    }

    /// Whether it is about more than the status.
    fn is_deep(&self) -> bool {
        self.gives_rights()
            || self.name.is_some()
            || self.capacity.is_some()
            || self.weight.is_some()
            || self.zone.is_some()
    }

    /// Whether the agent may be given more by it than before.
    fn brings_room(&self) -> bool {
        self.status == Some(AgentStatus::Available)
            || self.capacity.is_some()
            || self.zone.is_some()
            || self.team_id.is_some()
    }
}

/// Changes an agent. Status alone needs less than the rest; whoever sees only some leads says it of their agents.
///
/// # Errors
/// If agent, team or user are unknown, the user is another agent, a value is out of bounds, a status cannot be set by
/// hand, another version is there, or the agent is beyond what the caller sees.
pub async fn change(ctx: &Ctx, id: AgentId, change: AgentChange) -> Result<AgentView> {
    let needed = if change.is_deep() { Permission::AgentsWrite } else { Permission::AgentsStatus };
    ctx.require(needed)?;
    bounds(change.capacity, change.weight)?;
    let rights = change.gives_rights();
    let mut tx = ctx.begin().await?;
    let now = if rights { held_now(ctx, &mut tx, needed).await? } else { ctx.clone() };
    if rights {
        now.require_all_rows()?;
    }
    let held = if change.brings_room() {
        lock_with_room(&now, &mut tx, id, change.team_id.flatten()).await?
    } else {
        lock_seen(&now, &mut tx, id).await?
    };
    ctx.expect_version("agent", change.version, held.version)?;
    if change.is_deep() {
        change_deeply(&now, &mut tx, &held, &change).await?;
    }
    if let Some(to) = change.status {
        // In the team and as the user that they have by now.
        let held = store::lock_agent(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("agent"))?;
        status::set_by_hand(&mut tx, &held, to).await?;
    }
    tx.commit().await?;
    one(ctx, id).await
}

/// Locks an agent whom the caller sees.
pub(super) async fn lock_seen(ctx: &Ctx, tx: &mut TenantTx, id: AgentId) -> Result<HeldAgent> {
    let held = store::lock_agent(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("agent"))?;
    if !ctx.rows.hold(Some(id), held.team) {
        return Err(Error::beyond(
            "",
            "you see the leads of other agents only; ask somebody who sees this one's",
        ));
    }
    Ok(held)
}

/// The same of one who may be given more from now on: the queues of their team and of the one that they `join` are
/// swept after it. The locks of teams come before those of agents.
pub(super) async fn lock_with_room(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: AgentId,
    join: Option<TeamId>,
) -> Result<HeldAgent> {
    let before = store::team_of(tx.conn(), ctx.tenant, id).await?;
    sweep::wake_teams(tx, before.into_iter().chain(join)).await?;
    let held = lock_seen(ctx, tx, id).await?;
    if held.team == before { Ok(held) } else { Err(moved()) }
}

/// The refusal of what was begun for another team.
pub(super) fn moved() -> Error {
    Error::conflict("agent-moved", "the agent was moved to another team at this moment; ask again")
}

async fn change_deeply(ctx: &Ctx, tx: &mut TenantTx, held: &HeldAgent, change: &AgentChange) -> Result<()> {
    named_team(tx, change.team_id.flatten()).await?;
    if change.user_id.is_some() {
        let both = [held.user, change.user_id.flatten()];
        for user in both.into_iter().flatten().collect::<BTreeSet<_>>() {
            relink(ctx, tx, user).await?;
        }
    } else if let Some(user) = held.user.filter(|_| change.gives_rights()) {
        tell_of(tx, user).await?;
    }
    let mut name = None;
    if let Some(text) = &change.name {
        let subject = SubjectId(held.id.0);
        let keys = Vault::make_subjects(tx, &[subject]).await?;
        name = Some(keys.seal(&ctx.platform, subject, &name_place(ctx.tenant, held.id), text.as_str())?);
    }
    refused(&store::update_agent(tx.conn(), ctx.tenant, held.id, change, name.as_deref()).await?)?;
    let entry = Entry::new("update", "agent", held.id);
    tx.audit(&[if change.gives_rights() {
        // Whose leads somebody sees has changed.
        entry.detail(json!({ "team_id": change.team_id, "user_id": change.user_id })).notice()
    } else {
        entry
    }])
    .await
}

/// Lets a user be linked to an agent, or not any more: one who holds nothing beyond the caller's rights.
pub(super) async fn relink(ctx: &Ctx, tx: &mut TenantTx, user: UserId) -> Result<()> {
    match reach(ctx, tx, user).await {
        Err(Error::NotFound(_)) => return Err(Error::invalid("/user_id", "there is no such user")),
        reached => drop(reached?),
    }
    tell_of(tx, user).await
}

/// Refuses a team that is not there.
pub(super) async fn named_team(tx: &mut TenantTx, team: Option<TeamId>) -> Result<()> {
    let (Some(team), tenant) = (team, tx.tenant) else { return Ok(()) };
    if store::share_team(tx.conn(), tenant, team).await? {
        return Ok(());
    }
    Err(Error::invalid("/team_id", "there is no such team"))
}

/// Why an agent could not be written as wished.
pub(super) fn refused(put: &store::Linked) -> Result<()> {
    match put {
        store::Linked::Done => Ok(()),
        store::Linked::NotFound => Err(Error::NotFound("agent")),
        store::Linked::Taken => {
            Err(Error::conflict("user-is-agent", "this user is another agent; take that link away first"))
        }
    }
}

/// Names what is out of its bounds.
pub(super) fn bounds(capacity: Option<i32>, weight: Option<i32>) -> Result<()> {
    let mut wrong = Vec::new();
    if capacity.is_some_and(|capacity| !(0..=100_000).contains(&capacity)) {
        wrong.push(FieldError::new("/capacity", "0 to 100000"));
    }
    if weight.is_some_and(|weight| !(1..=100).contains(&weight)) {
        wrong.push(FieldError::new("/weight", "1 to 100"));
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}
