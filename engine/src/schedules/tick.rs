//! The tick: begins what is due, and wakes the steps of workflows. Any number of processes may tick; each time of
//! a schedule comes once.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{BUSINESS_KEY, Step, business_key, store, view::View};
use crate::{Engine, Tx, enqueue::Provenance, operate::Action, worker::chance};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(1);
/// Schedules in one look.
const PAGE: i64 = 200;
/// How long one whose tick failed is passed over.
const FAILED: Duration = Duration::from_mins(1);

/// Begins what is due until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    let mut ticker = Ticker { engine, stop: stop.clone(), failed: HashMap::new() };
    while !stop.is_cancelled() {
        if let Err(error) = ticker.turn().await {
            tracing::warn!(%error, "ticking was interrupted; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

struct Ticker {
    engine: Engine,
    stop: CancellationToken,
    /// Schedules whose tick failed, and until when they are passed over.
    failed: HashMap<Uuid, Instant>,
}

impl Ticker {
    /// Begins all that is due now. Answers how many schedules and steps were moved on. One that fails holds up no
    /// other.
    async fn turn(&mut self) -> sqlx::Result<usize> {
        let now = Instant::now();
        self.failed.retain(|_, until| *until > now);
        let mut moved = 0;
        loop {
            let due = self.due().await?;
            let more = due.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for due in due {
                if self.stop.is_cancelled() {
                    return Ok(moved);
                }
                let done = match due {
                    Due::Schedule { tenant, id } => self.engine.tick_one(tenant, id).await.map(usize::from),
                    Due::Stopping { tenant, id } => {
                        self.engine.wind_down_until(tenant, id, &self.stop).await.map(|()| 0)
                    }
                    Due::Sleepers => self.engine.wake_steps().await,
                };
                match done {
                    Ok(did) => moved += did,
                    Err(error) => {
                        tracing::error!(%error, ?due, "a tick failed; it is tried again in a minute");
                        metrics::counter!("engine_ticks_failed_total").increment(1);
                        self.failed.insert(due.id(), Instant::now() + FAILED);
                    }
                }
            }
            if !more {
                return Ok(moved);
            }
        }
    }

    /// Schedules whose time has come, and those whose run has ended that another waits for: each tenant's first
    /// before any one's second. Runs that stop while jobs of theirs go on. Whether steps are to be woken.
    async fn due(&self) -> sqlx::Result<Vec<Due>> {
        let passed_over: Vec<Uuid> = self.failed.keys().copied().collect();
        let due = sqlx::query!(
            r#"with due as (
                 select id, tenant_id, next_at as since from engine.schedules
                  where paused_at is null and next_at <= (select engine.now())
                 union
                 select s.id, s.tenant_id, s.buffered_at from engine.schedules s
                  where s.buffered_at is not null and s.paused_at is null and not exists (
                    select from engine.jobs j
                     where j.tenant_id = s.tenant_id and j.business_key = $3 || s.id)
                    and not exists (
                    select from engine.runs r
                     where r.tenant_id = s.tenant_id and r.business_key = $3 || s.id
                       and r.state in ('running', 'stopping'))
               ), first as (
                 select id, tenant_id from due where id <> all($2)
                  order by row_number() over (partition by tenant_id order by since), since limit $1
               ), stopping as (
                 select r.id, r.tenant_id from engine.runs r
                  where r.state = 'stopping' and r.id <> all($2)
                    and exists (select from engine.jobs_of_run(r.tenant_id, r.id) j where j.unasked)
                  order by r.id limit $1
               )
               select 'schedule' as "what!", id, tenant_id from first
               union all select 'stopping', id, tenant_id from stopping
               union all select 'sleepers', null, null
                where exists (select from engine.steps s where s.wake_at <= (select engine.now()))"#,
            PAGE,
            &passed_over,
            BUSINESS_KEY
        )
        .fetch_all(self.engine.system())
        .await?;
        Ok(due
            .into_iter()
            .map(|row| match (row.what.as_str(), row.tenant_id, row.id) {
                ("schedule", Some(tenant), Some(id)) => Due::Schedule { tenant, id },
                ("stopping", Some(tenant), Some(id)) => Due::Stopping { tenant, id },
                _ => Due::Sleepers,
            })
            .filter(|due| !self.failed.contains_key(&due.id()))
            .collect())
    }
}

/// Something for a tick to do.
#[derive(Debug, Clone, Copy)]
enum Due {
    Schedule { tenant: Uuid, id: Uuid },
    Stopping { tenant: Uuid, id: Uuid },
    Sleepers,
}

impl Due {
    fn id(self) -> Uuid {
        match self {
            Self::Schedule { id, .. } | Self::Stopping { id, .. } => id,
            Self::Sleepers => Uuid::nil(),
        }
    }
}

impl Engine {
    /// Begins all that is due now. Answers how many schedules and steps were moved on.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn tick(&self) -> sqlx::Result<usize> {
        let (stop, failed) = (CancellationToken::new(), HashMap::new());
        Ticker { engine: self.clone(), stop, failed }.turn().await
    }

    /// One schedule, in one transaction behind its tenant's wall. Answers whether there was something to do.
    async fn tick_one(&self, tenant: Uuid, id: Uuid) -> sqlx::Result<bool> {
        let mut tx = self.begin_tenant(tenant).await?;
        let Some(view) = store::lock_due(tx.conn(), tenant, id).await? else { return Ok(false) };
        let policy = match view.policy() {
            Ok(policy) => policy,
            Err(error) => {
                tracing::error!(%error, schedule.id = %id, "a schedule cannot be read; it is paused");
                tx.pause_schedule(&view, &error.to_string()).await?;
                tx.commit().await?;
                return Ok(true);
            }
        };
        let now = store::now(tx.conn()).await?;
        let active = active(&mut tx, &view).await?;
        let plan = policy.plan(view.standing(!active.is_empty()), now);
        if plan.cancel_active {
            let (runs, jobs): (Vec<Active>, Vec<Active>) =
                active.iter().copied().partition(|active| active.is_run);
            tx.act(Action::Cancel, &jobs.iter().map(|job| job.id).collect::<Vec<_>>()).await?;
            for run in runs {
                tx.cancel_run(run.id).await?;
            }
        }
        for step in plan.steps {
            take(&mut tx, &view, step).await?;
        }
        sqlx::query!(
            "update engine.schedules set next_at = $3, buffered_at = $4 where tenant_id = $1 and id = $2",
            tenant,
            id,
            plan.next_at,
            plan.buffered_at
        )
        .execute(tx.conn())
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}

async fn take(tx: &mut Tx, view: &View, step: Step) -> sqlx::Result<()> {
    match step {
        Step::Start(due) => {
            let job = view.job(Uuid::now_v7(), due, chance());
            // A time that is in the record came before, whatever the clock did since.
            if tx.write_tick(view, due, "started", None, Some(job.id)).await? {
                let by = Provenance { actor: view.actor.clone(), trace: None };
                tx.begin_scheduled(view, job, &by).await?;
            }
        }
        Step::Skip(due) => {
            tx.write_tick(view, due, "skipped", None, None).await?;
        }
        Step::Buffer(due) => {
            tx.write_tick(view, due, "buffered", None, None).await?;
        }
        Step::Miss(first, last) => {
            tx.write_tick(view, first, "missed", Some(last), None).await?;
        }
    }
    Ok(())
}

/// A job or a workflow's run.
#[derive(Clone, Copy)]
struct Active {
    id: Uuid,
    is_run: bool,
}

/// What the schedule has begun and has not ended; a thousand at most, which is what can be acted on.
async fn active(tx: &mut Tx, view: &View) -> sqlx::Result<Vec<Active>> {
    sqlx::query_as!(
        Active,
        r#"select id as "id!", false as "is_run!" from engine.jobs
            where tenant_id = $1 and business_key = $2 and run_id is null
           union all
           select id, true from engine.runs
            where tenant_id = $1 and business_key = $2 and state in ('running', 'stopping')
            order by 1 limit 1000"#,
        view.tenant,
        business_key(view.id)
    )
    .fetch_all(tx.conn())
    .await
}
