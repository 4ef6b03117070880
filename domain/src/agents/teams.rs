//! Commands on teams.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{overflow, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, FieldError, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{TeamId, Text, nullable},
};

/// The longest wrap-up, a day, and the longest that something waits for a team, a week, in seconds.
const LONGEST_WRAP_UP: i32 = 86_400;
const LONGEST_WAIT: i32 = 604_800;

/// The shortest and the longest that a call rings at one agent, in seconds.
const RINGS: std::ops::RangeInclusive<i32> = 5..=600;

/// What becomes of a call that has waited for as long as its team lets one wait. The phone system hears of it by the
/// call's outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AfterWait {
    /// The outcome is `abandoned`.
    HangUp,
    /// The outcome is `voicemail`.
    Voicemail,
}

impl AfterWait {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::HangUp => "hang_up",
            Self::Voicemail => "voicemail",
        }
    }
}

/// A team to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    #[schema(value_type = String)]
    pub name: Text<100>,
}

/// What to change of a team; absent fields stay.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TeamChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<100>>,
    /// Seconds that an agent has for writing up, 0 (none) to 86,400. It counts from the next wrap-up.
    pub wrap_up_s: Option<i32>,
    /// Seconds within which what waits should have somebody, 1 to 604,800. Null promises nothing.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub sla_s: Option<Option<i32>>,
    /// Another team that helps out, with leads and with calls. Null: nobody does. What overflows never comes back, over
    /// however many teams.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub overflow_team_id: Option<Option<TeamId>>,
    /// After so many seconds of waiting, 1 to 604,800.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub overflow_after_s: Option<Option<i32>>,
    /// Seconds that a call rings at one agent before it goes on to the next, 5 to 600.
    pub ring_s: Option<i32>,
    /// Seconds of waiting after which a call is given up, 1 to 604,800. Null lets it wait for as long as its caller does.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub max_wait_s: Option<Option<i32>>,
    /// What becomes of a call that is given up.
    pub after_max_wait: Option<AfterWait>,
    /// The version the change was made for; another one in the meantime is answered with 409.
    pub version: Option<i64>,
}

/// A team.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TeamView {
    pub id: TeamId,
    pub name: String,
    /// Seconds that an agent has for writing up; 0 for none.
    pub wrap_up_s: i32,
    /// Seconds within which what waits should have somebody.
    pub sla_s: Option<i32>,
    /// Who helps out with what has waited for `overflow_after_s` seconds.
    pub overflow_team_id: Option<TeamId>,
    pub overflow_after_s: Option<i32>,
    /// Seconds that a call rings at one agent before it goes on to the next.
    pub ring_s: i32,
    /// Seconds of waiting after which a call is given up.
    pub max_wait_s: Option<i32>,
    pub after_max_wait: AfterWait,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// # Errors
/// If the name is taken.
pub async fn create(ctx: &Ctx, new: NewTeam) -> Result<Once<TeamView>> {
    ctx.require(Permission::TeamsWrite)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let id = TeamId(ctx.id());
    if !store::insert_team(keyed.tx.conn(), ctx.tenant, id, new.name.as_str()).await? {
        return Err(taken());
    }
    keyed.tx.audit(&[Entry::new("create", "team", id)]).await?;
    let view = find(&mut keyed.tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/teams/{id}")).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<TeamId>, limit: i64) -> Result<Vec<TeamView>> {
    ctx.require(Permission::TeamsRead)?;
    let mut tx = ctx.begin().await?;
    store::teams(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such team.
pub async fn get(ctx: &Ctx, id: TeamId) -> Result<TeamView> {
    ctx.require(Permission::TeamsRead)?;
    let mut tx = ctx.begin().await?;
    find(&mut tx, id).await
}

async fn find(tx: &mut TenantTx, id: TeamId) -> Result<TeamView> {
    let tenant = tx.tenant;
    store::teams(tx.conn(), tenant, Some(id), None, 1).await?.pop().ok_or(Error::NotFound("team"))
}

/// Changes a team. Whoever sees only the leads of one team changes that one.
///
/// # Errors
/// If there is no such team or overflow team, teams would overflow in a ring, a value is out of bounds, the name is taken, another version is there, or
/// the team is beyond what the caller sees.
pub async fn change(ctx: &Ctx, id: TeamId, change: TeamChange) -> Result<TeamView> {
    ctx.require(Permission::TeamsWrite)?;
    change.check(id)?;
    let mut tx = ctx.begin().await?;
    let helper = change.overflow_team_id.flatten();
    if helper.is_some() {
        overflow::hold(&mut tx).await?;
    }
    let version = store::lock_team(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("team"))?;
    if !ctx.rows.hold(None, Some(id)) {
        return Err(Error::beyond(
            "",
            "you see the leads of other teams only; ask somebody who sees this one's",
        ));
    }
    ctx.expect_version("team", change.version, version)?;
    if let Some(helper) = helper {
        if !store::share_team(tx.conn(), ctx.tenant, helper).await? {
            return Err(Error::invalid("/overflow_team_id", "there is no such team"));
        }
        overflow::refuse_ring(&mut tx, id, helper).await?;
    }
    if !store::update_team(tx.conn(), ctx.tenant, id, &change).await? {
        return Err(taken());
    }
    tx.audit(&[Entry::new("update", "team", id)]).await?;
    let view = find(&mut tx, id).await?;
    tx.commit().await?;
    Ok(view)
}

impl TeamChange {
    fn check(&self, id: TeamId) -> Result<()> {
        let mut wrong = Vec::new();
        if self.wrap_up_s.is_some_and(|seconds| !(0..=LONGEST_WRAP_UP).contains(&seconds)) {
            wrong.push(FieldError::new("/wrap_up_s", format!("0 to {LONGEST_WRAP_UP}")));
        }
        if self.ring_s.is_some_and(|seconds| !RINGS.contains(&seconds)) {
            wrong.push(FieldError::new("/ring_s", format!("{} to {}", RINGS.start(), RINGS.end())));
        }
        let waits = [
            ("/sla_s", self.sla_s),
            ("/overflow_after_s", self.overflow_after_s),
            ("/max_wait_s", self.max_wait_s),
        ];
        for (pointer, seconds) in waits {
            if seconds.flatten().is_some_and(|seconds| !(1..=LONGEST_WAIT).contains(&seconds)) {
                wrong.push(FieldError::new(pointer, format!("1 to {LONGEST_WAIT}")));
            }
        }
        if self.overflow_team_id == Some(Some(id)) {
            wrong.push(FieldError::new("/overflow_team_id", "another team than this one"));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
    }
}

/// Takes a team out of the house. Closed leads stay with it, for the reports.
///
/// # Errors
/// If there is no such team, or a conflict while agents, open leads or calls, routing rules, another team's overflow, a
/// phone system or the tenant's settings need it.
pub async fn delete(ctx: &Ctx, id: TeamId) -> Result<()> {
    ctx.require(Permission::TeamsDelete)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let version = store::lock_team_whole(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("team"))?;
    ctx.expect_version("team", None, version)?;
    let uses = store::team_uses(tx.conn(), ctx.tenant, id).await?;
    let needed = match uses.as_deref() {
        Some("agents") => Some("agents are in this team; move them to another first"),
        Some("leads") => Some("open leads are with this team; route them elsewhere first"),
        Some("calls") => Some(
            "calls of this team wait, ring or are talked in; ring them to another's agents, or let them end first",
        ),
        Some("sources") => Some("a phone system's calls come to this team; change its default team first"),
        Some("settings") => Some(
            "calls that nothing else says a team of come to this one; change the tenant's default team first",
        ),
        Some(_) => Some("another team overflows into this one; change that first"),
        None if store::is_in_rules(tx.conn(), ctx.tenant, id).await? => {
            Some("a routing rule sends leads to this team; change that first")
        }
        None => None,
    };
    if let Some(detail) = needed {
        return Err(Error::conflict("team-in-use", detail));
    }
    store::delete_team(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "team", id)]).await?;
    tx.commit().await
}

fn taken() -> Error {
    Error::conflict("name-taken", "a team with this name exists; choose another name")
}
