//! What operators do: cancel, retry and discard jobs; pause, limit and weigh their queues.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Tx;

/// What can be done with a job by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// A waiting job ends at once; a running one is told, and cut off if it does not heed.
    Cancel,
    /// A waiting job becomes due now; one that ended badly comes back under its id with all its attempts.
    Retry,
    /// A waiting job becomes a dead letter.
    Discard,
}

impl Action {
    /// For the audit log, and within sentences to people.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }

    /// Whether a result says that the action was done, and not what forbade it.
    #[must_use]
    pub fn made(self, result: &str) -> bool {
        match self {
            Self::Cancel => ["cancelled", "cancelling"].contains(&result),
            Self::Retry => result == "available",
            Self::Discard => result == "discarded",
        }
    }
}

/// What became of one job: `available`, `cancelled`, `cancelling`, `discarded`; or the state that
/// forbade it, `key_held` if another job holds its uniqueness key by now, `part_of_run` if it is taken up again with
/// the workflow's run that it belongs to, none if there is no such job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    pub id: Uuid,
    pub result: Option<String>,
}

/// How much of something may run. Nothing said takes the limit away.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Bounds {
    /// At a time, across all nodes.
    pub max_running: Option<i32>,
    /// New starts a second, on average.
    pub rate_per_s: Option<f64>,
    /// Starts that may come at once after a pause. Said if and only if the rate is.
    pub burst: Option<i32>,
}

impl Tx {
    /// Acts on jobs of the transaction's tenant, at most a thousand.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn act(&mut self, action: Action, ids: &[Uuid]) -> sqlx::Result<Vec<Acted>> {
        let acted = match action {
            Action::Cancel => {
                self.has_cancelled();
                sqlx::query_as!(Acted, r#"select id as "id!", result from engine.cancel($1)"#, ids)
                    .fetch_all(self.conn())
                    .await?
            }
            Action::Retry => {
                sqlx::query_as!(Acted, r#"select id as "id!", result from engine.retry($1)"#, ids)
                    .fetch_all(self.conn())
                    .await?
            }
            Action::Discard => {
                sqlx::query_as!(Acted, r#"select id as "id!", result from engine.discard($1)"#, ids)
                    .fetch_all(self.conn())
                    .await?
            }
        };
        if action == Action::Retry {
            for queue in queues_of(self.conn(), ids).await? {
                self.will_wake_all(queue);
            }
        }
        self.has_logged();
        Ok(acted)
    }

    /// Stops the transaction's tenant in a queue, or one kind of its jobs. What runs may end.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause(&mut self, queue: &str, kind: Option<&str>, why: &str) -> sqlx::Result<()> {
        let queue = self.engine().clone().queue_id(queue).await?;
        sqlx::query!("select engine.pause_own($1, $2, $3)", queue, kind, why).execute(self.conn()).await?;
        self.decides(queue);
        Ok(())
    }

    /// Takes back that pause. Answers whether there was one.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn resume(&mut self, queue: &str, kind: Option<&str>) -> sqlx::Result<bool> {
        let queue = self.engine().clone().queue_id(queue).await?;
        let resumed = sqlx::query_scalar!(r#"select engine.resume_own($1, $2)"#, queue, kind)
            .fetch_one(self.conn())
            .await?;
        self.decides(queue);
        Ok(resumed.unwrap_or(false))
    }

    /// Bounds the transaction's tenant in a queue; with a key, the jobs that are limited by it.
    ///
    /// # Errors
    /// If a bound is not positive or the database refuses.
    pub async fn limit(&mut self, queue: &str, key: Option<&str>, bounds: Bounds) -> sqlx::Result<()> {
        let queue = self.engine().clone().queue_id(queue).await?;
        sqlx::query!(
            "select engine.set_own_limit($1, $2, $3, $4, $5)",
            queue,
            key,
            bounds.max_running,
            bounds.rate_per_s,
            bounds.burst
        )
        .execute(self.conn())
        .await?;
        self.decides(queue);
        Ok(())
    }
}

/// What was said of a tenant as a whole in a queue.
///
/// # Errors
/// If the database does not answer.
pub async fn own_bounds(conn: &mut PgConnection, tenant: Uuid, queue: &str) -> sqlx::Result<Bounds> {
    let bounds = sqlx::query_as!(
        Bounds,
        "select m.max_running, m.rate_per_s, m.burst
           from engine.limits m join engine.queues q on q.id = m.queue_id
          where m.tenant_id = $1 and q.name = $2 and m.key is null",
        tenant,
        queue
    )
    .fetch_optional(conn)
    .await?;
    Ok(bounds.unwrap_or_default())
}

/// Who stops something over tenants, besides the tenants themselves. Each takes back their own pauses only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decider {
    Operator,
    /// The product, by a rule of its own.
    Product,
}

impl Decider {
    fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Product => "product",
        }
    }
}

/// What an operator of the whole installation means: a queue, a tenant, a kind, or several together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scope<'a> {
    pub queue: Option<&'a str>,
    pub tenant: Option<Uuid>,
    pub kind: Option<&'a str>,
}

/// Across tenants, in a transaction of [`Engine::begin_system`](crate::Engine::begin_system).
impl Tx {
    /// Stops what the scope names, in all tenants if it names none. What runs may end. The product alone may name nothing:
    /// then all work stops.
    ///
    /// # Errors
    /// If an operator's scope names nothing or the database refuses.
    pub async fn pause_scope(&mut self, by: Decider, scope: Scope<'_>, why: &str) -> sqlx::Result<()> {
        let (by, queue) = (by.as_str(), self.queue_of(scope.queue).await?);
        sqlx::query!("select engine.pause($1, $2, $3, $4, $5)", by, queue, scope.tenant, scope.kind, why)
            .execute(self.conn())
            .await?;
        self.decides_on(queue).await
    }

    /// Takes back exactly that pause of the same decider. Answers whether there was one.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn resume_scope(&mut self, by: Decider, scope: Scope<'_>) -> sqlx::Result<bool> {
        let (by, queue) = (by.as_str(), self.queue_of(scope.queue).await?);
        let resumed =
            sqlx::query_scalar!("select engine.resume($1, $2, $3, $4)", by, queue, scope.tenant, scope.kind)
                .fetch_one(self.conn())
                .await?;
        self.decides_on(queue).await?;
        Ok(resumed.unwrap_or(false))
    }

    /// Bounds a queue for all tenants together, or one tenant in it.
    ///
    /// # Errors
    /// If a bound is not positive or the database refuses.
    pub async fn limit_all(&mut self, queue: &str, tenant: Option<Uuid>, bounds: Bounds) -> sqlx::Result<()> {
        let queue = self.engine().clone().queue_id(queue).await?;
        sqlx::query!(
            "select engine.set_bounds($1, $2, null, $3, $4, $5)",
            queue,
            tenant,
            bounds.max_running,
            bounds.rate_per_s,
            bounds.burst
        )
        .execute(self.conn())
        .await?;
        self.decides(queue);
        Ok(())
    }

    /// Gives a tenant a share of a queue beside others: 1 is usual, 2 gets twice as many turns.
    ///
    /// # Errors
    /// If the weight is not within 0.01 and 100, or the database refuses.
    pub async fn weigh(&mut self, queue: &str, tenant: Uuid, weight: f32) -> sqlx::Result<()> {
        let queue = self.engine().clone().queue_id(queue).await?;
        sqlx::query!("select engine.set_weight($1, $2, $3)", queue, tenant, weight)
            .execute(self.conn())
            .await?;
        self.decides(queue);
        Ok(())
    }

    async fn queue_of(&mut self, name: Option<&str>) -> sqlx::Result<Option<i32>> {
        match name {
            Some(name) => self.engine().clone().queue_id(name).await.map(Some),
            None => Ok(None),
        }
    }

    async fn decides_on(&mut self, queue: Option<i32>) -> sqlx::Result<()> {
        let queues =
            sqlx::query_scalar!("select id from engine.queues where $1::int is null or id = $1", queue)
                .fetch_all(self.conn())
                .await?;
        for queue in queues {
            self.decides(queue);
        }
        Ok(())
    }
}

async fn queues_of(conn: &mut PgConnection, ids: &[Uuid]) -> sqlx::Result<Vec<i32>> {
    sqlx::query_scalar!(
        "select distinct l.queue_id from engine.jobs j join engine.lanes l on l.id = j.lane
          where j.tenant_id = engine.tenant() and j.id = any($1)",
        ids
    )
    .fetch_all(conn)
    .await
}
