//! The table of calls, as lists show it: the newest first. Whoever sees all of them walks along their ids. For somebody who
//! sees only some, two walks are joined, each along an index of its own: one along the calls that are theirs, and one that
//! takes the newest from each of their leads. So a page costs what is theirs, and not what all others have besides.

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

/// The calls of one shape of the list; $1 to $10 are the same in all.
macro_rules! rows {
    ($conn:ident, $tenant:ident, $asked:ident, [$($from:tt)+] $(, $more:expr)*) => {
        sqlx::query_as!(
            CallRow,
            r#"select c.id as "id!: CallId", c.direction as "direction!: Direction", c.status as "status!: CallStatus",
                      c.lead_id as "lead_id?: LeadId", c.agent_id as "agent_id?: AgentId",
                      c.team_id as "team_id?: TeamId", c.source_id as "source_id?: CallSourceId",
                      c.external_id as "external_id?", c.subject_id as "subject_id!: SubjectId",
                      c.number_sealed as "number_sealed!", c.outcome as "outcome?: CallOutcome",
                      c.satisfaction as "satisfaction?", c.notes_sealed as "notes_sealed?",
                      c.recording_sealed as "recording_sealed?", c.value_cents as "value_cents?",
                      c.started_at as "started_at!", c.ringing_at as "ringing_at?", c.answered_at as "answered_at?",
                      c.ended_at as "ended_at?", c.disposed_at as "disposed_at?", c.ring_until as "ring_until?",
                      c.version as "version!"
                 from "# + $($from)+ + " order by c.id desc limit $10",
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
            $(, $more)*
        )
        .fetch_all($conn)
        .await?
    };
}

/// All calls.
macro_rules! all {
    ($conn:ident, $tenant:ident, $asked:ident, $filter:tt) => {
        rows!($conn, $tenant, $asked, ["calls c where c.tenant_id = $1 and c.id < $2 and " + $filter])
    };
}

/// One call, if it is seen.
macro_rules! one {
    ($conn:ident, $tenant:ident, $asked:ident, $id:ident, $owner:ident, $team:ident, $filter:tt) => {
        rows!(
            $conn,
            $tenant,
            $asked,
            ["calls c
                where c.tenant_id = $1 and c.id = $11 and c.id < $2
                  and ($12::uuid is null or c.agent_id = $12 or exists (select from leads l
                        where l.tenant_id = $1 and l.id = c.lead_id and l.owner_id = $12))
                  and ($13::uuid is null or c.team_id = $13 or exists (select from leads l
                        where l.tenant_id = $1 and l.id = c.lead_id and l.team_id = $13))
                  and "
                + $filter],
            $id,
            $owner,
            $team
        )
    };
}

/// The two walks of somebody who sees only some calls: by the column that says whose a call is, and by that which says
/// whose a lead is.
macro_rules! theirs {
    ($conn:ident, $tenant:ident, $asked:ident, $whose:ident, $call:tt, $lead:tt, $filter:tt) => {
        rows!(
            $conn,
            $tenant,
            $asked,
            ["((select c.id from calls c
                 where c.tenant_id = $1 and "
                + $call
                + " = $11 and c.id < $2 and "
                + $filter
                + "
                 order by c.id desc limit $10)
               union
               (select k.id
                  from leads l cross join lateral (
                    select c.id from calls c
                     where c.tenant_id = $1 and c.lead_id = l.id and c.id < $2 and "
                + $filter
                + "
                     order by c.id desc limit $10) k
                 where l.tenant_id = $1 and "
                + $lead
                + " = $11 and ($3::uuid is null or l.id = $3)
                 order by k.id desc limit $10)) p
              join calls c on c.tenant_id = $1 and c.id = p.id"],
            $whose
        )
    };
}

/// A shape with what every one of them asks for.
macro_rules! filtered {
    ($shape:ident, $($part:tt)+) => {
        $shape!(
            $($part)+,
            "($3::uuid is null or c.lead_id = $3) and ($4::uuid is null or c.agent_id = $4)
             and ($5::uuid is null or c.team_id = $5) and ($6::text is null or c.status = $6)
             and ($7::timestamptz is null or c.started_at >= $7) and ($8::timestamptz is null or c.started_at < $8)
             and ($9::bytea is null or c.number_index = $9)"
        )
    };
}

/// The calls that somebody sees.
pub(in crate::calls) async fn calls(
    conn: &mut PgConnection,
    tenant: TenantId,
    asked: &Asked<'_>,
    seen: Rows,
) -> Result<Vec<CallRow>> {
    let (owner, team) = (seen.owner(), seen.team());
    Ok(match (asked.filter.id, seen) {
        (Some(CallId(id)), _) => filtered!(one, conn, tenant, asked, id, owner, team),
        (None, Rows::All) => filtered!(all, conn, tenant, asked),
        (None, Rows::Own(_)) => filtered!(theirs, conn, tenant, asked, owner, "c.agent_id", "l.owner_id"),
        (None, Rows::Team(_)) => filtered!(theirs, conn, tenant, asked, team, "c.team_id", "l.team_id"),
    })
}
