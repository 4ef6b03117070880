//! The table of calls, as lists show it: the newest first. Which these are is found first, by a walk along an index: whoever
//! sees all calls walks along their ids. For somebody who sees only some, two walks are joined: one along the calls that
//! are theirs, and one that takes the newest from each of their leads. So a page costs what is theirs, and not what all
//! others have besides.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    access::rows::Rows,
    calls::{call::Direction, outcome::CallOutcome, read::Filter, rules::CallStatus},
    error::Result,
    types::{AgentId, CallId, CallSourceId, LeadId, SubjectId, TeamId, TenantId},
};

/// A stored call.
pub(in crate::calls) struct CallRow {
    pub id: CallId,
    pub direction: Direction,
    pub status: CallStatus,
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub source_id: Option<CallSourceId>,
    pub external_id: Option<String>,
    pub subject_id: SubjectId,
    pub number_sealed: Vec<u8>,
    pub outcome: Option<CallOutcome>,
    pub satisfaction: Option<i16>,
    pub notes_sealed: Option<Vec<u8>>,
    pub recording_sealed: Option<Vec<u8>>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub ringing_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub disposed_at: Option<DateTime<Utc>>,
    pub ring_until: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Which calls are asked for: those with ids below one, and no more than so many.
pub(in crate::calls) struct Asked<'a> {
    pub filter: &'a Filter,
    pub number: Option<&'a [u8]>,
    pub before: Option<CallId>,
    pub limit: i64,
}

/// The calls whose ids are found by a walk of `c` along the calls, written in pieces: where two of them meet stands what is
/// asked for. $1 to $10 are the same in all walks.
macro_rules! found {
    ($conn:ident, $tenant:ident, $asked:ident, [$first:tt $(, $next:tt)+] $(, $whose:expr)*) => {
        sqlx::query_as!(
            CallRow,
            r#"select id as "id!: CallId", direction as "direction!: Direction", status as "status!: CallStatus",
                      lead_id as "lead_id?: LeadId", agent_id as "agent_id?: AgentId", team_id as "team_id?: TeamId",
                      source_id as "source_id?: CallSourceId", external_id as "external_id?",
                      subject_id as "subject_id!: SubjectId", number_sealed as "number_sealed!",
                      outcome as "outcome?: CallOutcome", satisfaction as "satisfaction?",
                      notes_sealed as "notes_sealed?", recording_sealed as "recording_sealed?",
                      value_cents as "value_cents?", started_at as "started_at!", ringing_at as "ringing_at?",
                      answered_at as "answered_at?", ended_at as "ended_at?", disposed_at as "disposed_at?",
                      ring_until as "ring_until?", version as "version!"
                 from calls where tenant_id = $1 and id = any(array("#
                + $first
                $(+ "($3::uuid is null or c.lead_id = $3) and ($4::uuid is null or c.agent_id = $4)
                     and ($5::uuid is null or c.team_id = $5) and ($6::text is null or c.status = $6)
                     and ($7::timestamptz is null or c.started_at >= $7)
                     and ($8::timestamptz is null or c.started_at < $8)
                     and ($9::bytea is null or c.number_index = $9)"
                + $next)+
                + ")) order by id desc",
            $tenant.0,
            $asked.before.map_or(Uuid::max(), |id| id.0),
            $asked.filter.lead.map(|id| id.0),
            $asked.filter.agent.map(|id| id.0),
            $asked.filter.team.map(|id| id.0),
            $asked.filter.status.map(CallStatus::as_str),
            $asked.filter.from,
            $asked.filter.to,
            $asked.number,
            $asked.limit
            $(, $whose)*
        )
        .fetch_all($conn)
        .await?
    };
}

/// The calls that somebody sees.
pub(in crate::calls) async fn calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &Asked<'_>,
    seen: Rows,
) -> Result<Vec<CallRow>> {
    match (asked.filter.id, seen) {
        (Some(id), _) => one(conn, tenant, asked, id, seen).await,
        (None, Rows::All) => all(conn, tenant, asked).await,
        (None, Rows::Own(_) | Rows::Team(_)) => theirs(conn, tenant, asked, seen).await,
    }
}

async fn all(conn: &mut PgConnection, tenant: TenantId, asked: &Asked<'_>) -> Result<Vec<CallRow>> {
    Ok(found!(
        conn,
        tenant,
        asked,
        [
            "select c.id from calls c where c.tenant_id = $1 and c.id < $2 and ",
            " order by c.id desc limit $10"
        ]
    ))
}

/// One call, if it is seen.
async fn one(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &Asked<'_>,
    id: CallId,
    seen: Rows,
) -> Result<Vec<CallRow>> {
    Ok(found!(
        conn,
        tenant,
        asked,
        [
            "select c.id from calls c
              where c.tenant_id = $1 and c.id = $11 and c.id < $2
                and ($12::uuid is null or c.agent_id = $12 or exists (select from leads l
                      where l.tenant_id = $1 and l.id = c.lead_id and l.owner_id = $12))
                and ($13::uuid is null or c.team_id = $13 or exists (select from leads l
                      where l.tenant_id = $1 and l.id = c.lead_id and l.team_id = $13))
                and ",
            " limit $10"
        ],
        id.0,
        seen.owner(),
        seen.team()
    ))
}

/// Those of somebody who sees only some: of an agent, or of a team. The walks of the other find nothing at once.
async fn theirs(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &Asked<'_>,
    seen: Rows,
) -> Result<Vec<CallRow>> {
    Ok(found!(
        conn,
        tenant,
        asked,
        [
            "select p.id from (
               (select c.id from calls c where c.tenant_id = $1 and c.agent_id = $11 and c.id < $2 and ",
            "   order by c.id desc limit $10)
               union
               (select c.id from calls c where c.tenant_id = $1 and c.team_id = $12 and c.id < $2 and ",
            "   order by c.id desc limit $10)
               union
               (select k.id from leads l cross join lateral (
                  select c.id from calls c where c.tenant_id = $1 and c.lead_id = l.id and c.id < $2 and ",
            "      order by c.id desc limit $10) k
                 where l.tenant_id = $1 and l.owner_id = $11 and ($3::uuid is null or l.id = $3)
                 order by k.id desc limit $10)
               union
               (select k.id from leads l cross join lateral (
                  select c.id from calls c where c.tenant_id = $1 and c.lead_id = l.id and c.id < $2 and ",
            "      order by c.id desc limit $10) k
                 where l.tenant_id = $1 and l.team_id = $12 and ($3::uuid is null or l.id = $3)
                 order by k.id desc limit $10)) p
              order by p.id desc limit $10"
        ],
        seen.owner(),
        seen.team()
    ))
}
