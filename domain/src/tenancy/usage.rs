//! How much of the house a tenant takes: from counters, and without counting anything that may be many.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use engine::{
    queues::{self, QueueView},
    tallies::{self, Span},
};
use sqlx::PgConnection;

use super::store;
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    error::Result,
    messages::stats,
    types::TenantId,
};

/// How far back is looked.
const BACK: TimeDelta = TimeDelta::hours(24);
/// Users that are told one by one; of more it is only said that there are more.
pub const MOST_USERS: i64 = 1_000;

/// What a tenant takes. What whoever asks may not see is not there.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Users who may come in, as far as [`MOST_USERS`].
    pub users: Option<i64>,
    /// The queues in which it has ever had work, with its share and bounds, as the last census found them.
    pub queues: Option<Vec<QueueView>>,
    /// How many attempts of jobs ended in the last 24 hours, by how.
    pub ended: Option<BTreeMap<String, i64>>,
    /// Messages that were asked for in the last 24 hours.
    pub messages: Option<i64>,
}

/// Which of it is read.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each part is seen by a right of its own")]
struct Seen {
    users: bool,
    queues: bool,
    jobs: bool,
    messages: bool,
}

/// What the caller's tenant takes, as far as the caller may see it.
///
/// # Errors
/// If the permission to see the tenant is missing, or the database does not answer.
pub async fn own(ctx: &Ctx) -> Result<Usage> {
    ctx.require(Permission::TenantRead)?;
    let all = ctx.rows == Rows::All;
    let seen = Seen {
        users: ctx.grants.contains(Permission::UsersRead),
        queues: ctx.grants.contains(Permission::QueuesRead),
        jobs: all && ctx.grants.contains(Permission::JobsRead),
        messages: all && ctx.grants.contains(Permission::MessageStatsRead),
    };
    let mut tx = ctx.begin().await?;
    read(tx.conn(), ctx.tenant, ctx.now(), seen).await
}

/// What a tenant takes, for the operators of the installation.
pub(crate) async fn of(conn: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>) -> Result<Usage> {
    let seen = Seen { users: true, queues: true, jobs: true, messages: true };
    read(conn, tenant, now, seen).await
}

async fn read(conn: &mut PgConnection, tenant: TenantId, now: DateTime<Utc>, seen: Seen) -> Result<Usage> {
    let mut usage = Usage::default();
    if seen.users {
        usage.users = Some(store::users_up_to(conn, tenant, MOST_USERS).await?);
    }
    if seen.queues {
        usage.queues = Some(queues::list(conn, tenant.0).await?);
    }
    // Whole hours, which are kept added up.
    let until = now.duration_trunc(TimeDelta::hours(1)).unwrap_or(now) + TimeDelta::hours(1);
    let from = until - BACK;
    if seen.jobs {
        let mut ended = BTreeMap::new();
        for cell in tallies::cells(conn, tenant.0, Span { from, until }).await? {
            *ended.entry(cell.what).or_default() += cell.count;
        }
        usage.ended = Some(ended);
    }
    if seen.messages {
        usage.messages = Some(stats::asked_for(conn, tenant, (from, until)).await?);
    }
    Ok(usage)
}
