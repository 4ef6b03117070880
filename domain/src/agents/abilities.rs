//! Commands on what an agent can do, how much of it at a time, and when. Each is a list that is replaced as a whole.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::{change::lock_with_room, shifts::AgentShift, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{AgentId, SkillId},
};

/// Entries of one list.
const MOST: usize = 100;

/// Through what a customer is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AgentChannel {
    Voice,
    Sms,
    Email,
    Whatsapp,
    Slack,
    Push,
}

impl AgentChannel {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Sms => "sms",
            Self::Email => "email",
            Self::Whatsapp => "whatsapp",
            Self::Slack => "slack",
            Self::Push => "push",
        }
    }
}

/// What an agent is good at, and how good.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSkill {
    pub skill_id: SkillId,
    /// 1 has just begun, 5 is the one whom others ask.
    pub level: i16,
}

/// What an agent can do.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentSkills {
    /// Each skill once, at most 100.
    pub skills: Vec<AgentSkill>,
}

/// How much of a channel an agent takes at a time.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCapacity {
    pub channel: AgentChannel,
    /// Calls or conversations at a time, 0 to 1,000.
    pub most: i32,
}

/// How much an agent takes at a time, by channel. How many leads they hold is their `capacity`.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentCapacities {
    /// Each channel once; nothing is said of those that are not in it.
    pub capacities: Vec<AgentCapacity>,
}

/// When an agent works.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentShifts {
    /// At most 100, read in the agent's zone. Whoever has none always works.
    pub shifts: Vec<AgentShift>,
}

/// # Errors
/// If there is no such agent.
pub async fn skills(ctx: &Ctx, id: AgentId) -> Result<AgentSkills> {
    let mut tx = look(ctx, id).await?;
    Ok(AgentSkills { skills: store::agent_skills(tx.conn(), ctx.tenant, id).await? })
}

/// Puts others in the place of an agent's skills.
///
/// # Errors
/// If there is no such agent or skill, a level is out of bounds, or the agent is beyond what the caller sees.
pub async fn put_skills(ctx: &Ctx, id: AgentId, new: AgentSkills) -> Result<AgentSkills> {
    ctx.require(Permission::AgentsWrite)?;
    few("/skills", &new.skills)?;
    each_once(&new.skills, |skill| skill.skill_id, |at| format!("/skills/{at}/skill_id"))?;
    for (at, skill) in new.skills.iter().enumerate() {
        if !(1..=5).contains(&skill.level) {
            return Err(Error::invalid(format!("/skills/{at}/level"), "1 to 5"));
        }
    }
    let mut tx = ctx.begin().await?;
    lock_with_room(ctx, &mut tx, id, None).await?;
    let ids: Vec<SkillId> = new.skills.iter().map(|skill| skill.skill_id).collect();
    let there = store::share_skills(tx.conn(), ctx.tenant, &ids).await?;
    if let Some(at) = ids.iter().position(|skill| !there.contains(skill)) {
        return Err(Error::invalid(format!("/skills/{at}/skill_id"), "there is no such skill"));
    }
    store::put_agent_skills(tx.conn(), ctx.tenant, id, &new.skills).await?;
    tx.audit(&[Entry::new("update", "agent_skills", id)]).await?;
    let skills = store::agent_skills(tx.conn(), ctx.tenant, id).await?;
    tx.commit().await?;
    Ok(AgentSkills { skills })
}

/// # Errors
/// If there is no such agent.
pub async fn capacities(ctx: &Ctx, id: AgentId) -> Result<AgentCapacities> {
    let mut tx = look(ctx, id).await?;
    Ok(AgentCapacities { capacities: store::capacities(tx.conn(), ctx.tenant, id).await? })
}

/// Says anew how much an agent takes at a time.
///
/// # Errors
/// If there is no such agent, a channel comes twice, a value is out of bounds, or the agent is beyond what the caller
/// sees.
pub async fn put_capacities(ctx: &Ctx, id: AgentId, new: AgentCapacities) -> Result<AgentCapacities> {
    ctx.require(Permission::AgentsWrite)?;
    few("/capacities", &new.capacities)?;
    each_once(&new.capacities, |capacity| capacity.channel, |at| format!("/capacities/{at}/channel"))?;
    for (at, capacity) in new.capacities.iter().enumerate() {
        if !(0..=1_000).contains(&capacity.most) {
            return Err(Error::invalid(format!("/capacities/{at}/most"), "0 to 1000"));
        }
    }
    let mut tx = ctx.begin().await?;
    lock_with_room(ctx, &mut tx, id, None).await?;
    store::put_capacities(tx.conn(), ctx.tenant, id, &new.capacities).await?;
    tx.audit(&[Entry::new("update", "agent_capacities", id)]).await?;
    let capacities = store::capacities(tx.conn(), ctx.tenant, id).await?;
    tx.commit().await?;
    Ok(AgentCapacities { capacities })
}

/// # Errors
/// If there is no such agent.
pub async fn shifts(ctx: &Ctx, id: AgentId) -> Result<AgentShifts> {
    let mut tx = look(ctx, id).await?;
    read_shifts(&mut tx, id).await
}

/// Says anew when an agent works.
///
/// # Errors
/// If there is no such agent, a weekday is none, two shifts begin at one time, or the agent is beyond what the caller
/// sees.
pub async fn put_shifts(ctx: &Ctx, id: AgentId, new: AgentShifts) -> Result<AgentShifts> {
    ctx.require(Permission::AgentsWrite)?;
    few("/shifts", &new.shifts)?;
    for (at, shift) in new.shifts.iter().enumerate() {
        if !(0..=6).contains(&shift.weekday) {
            return Err(Error::invalid(format!("/shifts/{at}/weekday"), "0 (Sunday) to 6 (Saturday)"));
        }
    }
    each_once(&new.shifts, |shift| (shift.weekday, shift.starts.0), |at| format!("/shifts/{at}/starts"))?;
    let mut tx = ctx.begin().await?;
    lock_with_room(ctx, &mut tx, id, None).await?;
    store::put_shifts(tx.conn(), ctx.tenant, id, &new.shifts).await?;
    tx.audit(&[Entry::new("update", "agent_shifts", id)]).await?;
    let shifts = read_shifts(&mut tx, id).await?;
    tx.commit().await?;
    Ok(shifts)
}

async fn read_shifts(tx: &mut TenantTx, id: AgentId) -> Result<AgentShifts> {
    let tenant = tx.tenant;
    let shifts = store::shifts(tx.conn(), tenant, &[id]).await?;
    Ok(AgentShifts { shifts: shifts.into_iter().map(|(_, shift)| shift).collect() })
}

/// A transaction in which an agent is there, for whoever sees agents.
async fn look(ctx: &Ctx, id: AgentId) -> Result<TenantTx> {
    ctx.require(Permission::AgentsRead)?;
    let mut tx = ctx.begin().await?;
    if store::is_there(tx.conn(), ctx.tenant, id).await? { Ok(tx) } else { Err(Error::NotFound("agent")) }
}

fn few<T>(pointer: &str, list: &[T]) -> Result<()> {
    if list.len() <= MOST { Ok(()) } else { Err(Error::invalid(pointer, format!("at most {MOST}"))) }
}

/// Refuses a list that says something twice, at the second place.
fn each_once<T, K: Eq + std::hash::Hash>(
    list: &[T],
    key: impl Fn(&T) -> K,
    pointer: impl Fn(usize) -> String,
) -> Result<()> {
    let mut seen = HashSet::new();
    match list.iter().position(|item| !seen.insert(key(item))) {
        Some(at) => Err(Error::invalid(pointer(at), "it is there already; name each once")),
        None => Ok(()),
    }
}
