//! The ranked list. Each query takes the best of every wanted status by an index of `lead_ranks` and merges them, so that
//! no page is looked for among leads that are not in it; of the leads themselves only those of the page are read. Where
//! owner and team are both named, the owner goes first.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::rank::{Filter, Rank};
use crate::{
    access::rows::Rows,
    error::Result,
    leads::lead::statuses,
    types::{AgentId, LeadId, TeamId, TenantId},
};

/// A ranked lead.
pub(in crate::scoring) struct RankedRow {
    pub id: LeadId,
    pub owner_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub status: String,
    pub source: String,
    pub score: i16,
    pub score_fit: Option<i16>,
    pub score_recency: Option<i16>,
    pub score_model: Option<i32>,
    pub scored_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub name_sealed: Option<Vec<u8>>,
}

/// The best behind a rank that are somebody's or anybody's; $1 to $5 are the same in all.
macro_rules! best {
    ($conn:ident, $tenant:ident, $statuses:ident, $score:ident, $id:ident, $limit:ident, $whose:tt $(, $who:expr)*) => {
        sqlx::query_as!(
            RankedRow,
            r#"select l.id as "id!: LeadId", l.owner_id as "owner_id?: AgentId", l.team_id as "team_id?: TeamId",
                      l.status as "status!", l.source as "source!", b.score as "score!", l.score_fit as "score_fit?",
                      l.score_recency as "score_recency?", l.score_model as "score_model?",
                      l.scored_at as "scored_at?", l.created_at as "created_at!", l.name_sealed as "name_sealed?"
                 from (select k.lead_id, k.score
                         from unnest($2::text[]) as wanted (status) cross join lateral (
                           select r.lead_id, r.score
                             from lead_ranks r
                            where r.tenant_id = $1 and r.status = wanted.status and r.score >= 0
                              and (r.score, r.lead_id) < ($3::smallint, $4::uuid) and "# + $whose + r#"
                            order by r.score desc, r.lead_id desc limit $5) as k
                        order by k.score desc, k.lead_id desc limit $5) as b
                 join leads l on l.tenant_id = $1 and l.id = b.lead_id
                order by b.score desc, b.lead_id desc"#,
            $tenant.0,
            &$statuses,
            $score,
            $id,
            $limit
            $(, $who)*
        )
        .fetch_all($conn)
        .await?
    };
}

/// Leads after a rank, for somebody who sees these.
pub(in crate::scoring) async fn ranked(
    conn: &mut PgConnection,
    tenant: TenantId,
    filter: Filter,
    seen: Rows,
    after: Option<Rank>,
    limit: i64,
) -> Result<Vec<RankedRow>> {
    // Nothing scores more than 100, so all stand after this.
    let (score, LeadId(id)) = after.unwrap_or((i16::MAX, LeadId(Uuid::nil())));
    let (Some(owner), Some(team)) =
        (both(filter.owner.map(|id| id.0), seen.owner()), both(filter.team.map(|id| id.0), seen.team()))
    else {
        return Ok(Vec::new());
    };
    let statuses = statuses(filter.status);
    Ok(match (owner, team) {
        (Some(owner), team) => best!(
            conn,
            tenant,
            statuses,
            score,
            id,
            limit,
            "r.owner_id = $6 and ($7::uuid is null or r.team_id = $7)",
            owner,
            team
        ),
        (None, Some(team)) => best!(conn, tenant, statuses, score, id, limit, "r.team_id = $6", team),
        (None, None) => best!(conn, tenant, statuses, score, id, limit, "true"),
    })
}

/// What is asked for and may be seen, if anything is; none of both is no bound.
fn both(asked: Option<Uuid>, seen: Option<Uuid>) -> Option<Option<Uuid>> {
    let apart = asked.zip(seen).is_some_and(|(asked, seen)| asked != seen);
    (!apart).then(|| asked.or(seen))
}
