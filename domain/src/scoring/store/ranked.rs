//! The ranked list. Each query takes the best of every wanted status by an index and merges them, so that no page is
//! looked for among leads that are not in it. Where owner and team are both named, the owner goes first.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::super::rank::{Filter, Rank};
use crate::{
    access::rows::Rows,
    error::Result,
    leads::lead::Status,
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

/// What a lead must be like, beside what its query begins with.
struct Wanted {
    statuses: Vec<String>,
    score: i16,
    created_at: DateTime<Utc>,
    id: Uuid,
    limit: i64,
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
    let (score, created_at, id) = after.unwrap_or((i16::MAX, DateTime::UNIX_EPOCH, LeadId(Uuid::nil())));
    let (Some(owner), Some(team)) =
        (both(filter.owner.map(|id| id.0), seen.owner()), both(filter.team.map(|id| id.0), seen.team()))
    else {
        return Ok(Vec::new());
    };
    let statuses = filter.status.as_ref().map_or(Status::ALL, std::slice::from_ref);
    let statuses = statuses.iter().map(|status| status.as_str().to_owned()).collect();
    let wanted = Wanted { statuses, score, created_at, id: id.0, limit };
    match (owner, team) {
        (Some(owner), team) => of_owner(conn, tenant, owner, team, &wanted).await,
        (None, Some(team)) => of_team(conn, tenant, team, &wanted).await,
        (None, None) => of_all(conn, tenant, &wanted).await,
    }
}

/// What is asked for and may be seen, if anything is; none of both is no bound.
fn both(asked: Option<Uuid>, seen: Option<Uuid>) -> Option<Option<Uuid>> {
    let apart = asked.zip(seen).is_some_and(|(asked, seen)| asked != seen);
    (!apart).then(|| asked.or(seen))
}

async fn of_owner(
    conn: &mut PgConnection,
    tenant: TenantId,
    owner: Uuid,
    team: Option<Uuid>,
    wanted: &Wanted,
) -> Result<Vec<RankedRow>> {
    let rows = sqlx::query_as!(
        RankedRow,
        r#"select l.id as "id!: LeadId", l.owner_id as "owner_id?: AgentId", l.team_id as "team_id?: TeamId",
                  l.status as "status!", l.source as "source!", l.score as "score!", l.score_fit as "score_fit?",
                  l.score_recency as "score_recency?", l.score_model as "score_model?", l.scored_at as "scored_at?",
                  l.created_at as "created_at!", l.name_sealed as "name_sealed?"
             from unnest($2::text[]) as wanted (status) cross join lateral (
               select id, owner_id, team_id, leads.status, source, score, score_fit, score_recency, score_model,
                      scored_at, created_at, name_sealed
                 from leads
                where tenant_id = $1 and leads.status = wanted.status and score is not null and owner_id = $7
                  and ($8::uuid is null or team_id = $8)
                  and (score, created_at, id) < ($3::smallint, $4::timestamptz, $5::uuid)
                order by score desc, created_at desc, id desc limit $6) as l
            order by l.score desc, l.created_at desc, l.id desc limit $6"#,
        tenant.0,
        &wanted.statuses,
        wanted.score,
        wanted.created_at,
        wanted.id,
        wanted.limit,
        owner,
        team
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn of_team(
    conn: &mut PgConnection,
    tenant: TenantId,
    team: Uuid,
    wanted: &Wanted,
) -> Result<Vec<RankedRow>> {
    let rows = sqlx::query_as!(
        RankedRow,
        r#"select l.id as "id!: LeadId", l.owner_id as "owner_id?: AgentId", l.team_id as "team_id?: TeamId",
                  l.status as "status!", l.source as "source!", l.score as "score!", l.score_fit as "score_fit?",
                  l.score_recency as "score_recency?", l.score_model as "score_model?", l.scored_at as "scored_at?",
                  l.created_at as "created_at!", l.name_sealed as "name_sealed?"
             from unnest($2::text[]) as wanted (status) cross join lateral (
               select id, owner_id, team_id, leads.status, source, score, score_fit, score_recency, score_model,
                      scored_at, created_at, name_sealed
                 from leads
                where tenant_id = $1 and leads.status = wanted.status and score is not null and team_id = $7
                  and (score, created_at, id) < ($3::smallint, $4::timestamptz, $5::uuid)
                order by score desc, created_at desc, id desc limit $6) as l
            order by l.score desc, l.created_at desc, l.id desc limit $6"#,
        tenant.0,
        &wanted.statuses,
        wanted.score,
        wanted.created_at,
        wanted.id,
        wanted.limit,
        team
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}

async fn of_all(conn: &mut PgConnection, tenant: TenantId, wanted: &Wanted) -> Result<Vec<RankedRow>> {
    let rows = sqlx::query_as!(
        RankedRow,
        r#"select l.id as "id!: LeadId", l.owner_id as "owner_id?: AgentId", l.team_id as "team_id?: TeamId",
                  l.status as "status!", l.source as "source!", l.score as "score!", l.score_fit as "score_fit?",
                  l.score_recency as "score_recency?", l.score_model as "score_model?", l.scored_at as "scored_at?",
                  l.created_at as "created_at!", l.name_sealed as "name_sealed?"
             from unnest($2::text[]) as wanted (status) cross join lateral (
               select id, owner_id, team_id, leads.status, source, score, score_fit, score_recency, score_model,
                      scored_at, created_at, name_sealed
                 from leads
                where tenant_id = $1 and leads.status = wanted.status and score is not null
                  and (score, created_at, id) < ($3::smallint, $4::timestamptz, $5::uuid)
                order by score desc, created_at desc, id desc limit $6) as l
            order by l.score desc, l.created_at desc, l.id desc limit $6"#,
        tenant.0,
        &wanted.statuses,
        wanted.score,
        wanted.created_at,
        wanted.id,
        wanted.limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows)
}
