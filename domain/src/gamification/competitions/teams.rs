//! Which teams take part in a competition.

use super::{MOST_TEAMS, hold, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    gamification::store as ground,
    types::{CompetitionId, TeamId},
};

/// Has a team take part, with what its members do from then on. One that does already does.
///
/// # Errors
/// If there is no such competition or team, there are too many, or a conflict if it is over.
pub async fn join(ctx: &Ctx, id: CompetitionId, team: TeamId) -> Result<()> {
    ctx.require(Permission::GamificationWrite)?;
    let mut tx = ctx.begin().await?;
    let there = hold(ctx, &mut tx, id).await?;
    if ground::teams_there(tx.conn(), ctx.tenant, &[team]).await? == 0 {
        return Err(Error::invalid("/team_id", "there is no such team"));
    }
    if usize::try_from(there.teams).unwrap_or(usize::MAX) >= MOST_TEAMS {
        return Err(Error::conflict("too-many", format!("at most {MOST_TEAMS} teams take part")));
    }
    let now = ground::now(tx.conn()).await?;
    if store::add_teams(tx.conn(), ctx.tenant, id, &[team], now).await? > 0 {
        let detail = serde_json::json!({ "team_id": team });
        tx.audit(&[Entry::new("join", "competition", id).detail(detail)]).await?;
    }
    tx.commit().await
}
