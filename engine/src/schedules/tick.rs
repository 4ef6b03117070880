//! The tick: begins what is due. Any number of processes may tick; each time of a schedule comes once.

use std::{
    collections::HashSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    Step,
    store::{self, View},
};
use crate::{Engine, Tx, enqueue::Provenance, operate::Action};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(1);
/// Schedules in one look.
const PAGE: i64 = 200;

/// Begins what is due until `stop`.
pub async fn run(engine: Engine, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = engine.tick().await {
            tracing::warn!(%error, "ticking was interrupted; it goes on shortly");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

impl Engine {
    /// Begins all that is due now. Answers how many schedules it moved on. One that fails holds up no other.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn tick(&self) -> sqlx::Result<usize> {
        let (mut moved, mut failed) = (0, HashSet::new());
        loop {
            let passed_over: Vec<Uuid> = failed.iter().copied().collect();
            let due = sqlx::query!(
                "select id, tenant_id from engine.schedules
                  where paused_at is null and next_at <= engine.now() and id <> all($2)
                  order by next_at limit $1",
                PAGE,
                &passed_over
            )
            .fetch_all(self.system())
            .await?;
            let before = moved;
            for row in &due {
                match self.tick_one(row.tenant_id, row.id).await {
                    Ok(did) => moved += usize::from(did),
                    Err(error) => {
                        tracing::error!(%error, schedule.id = %row.id, "a tick failed; trying again shortly");
                        failed.insert(row.id);
                    }
                }
            }
            if before == moved {
                break;
            }
        }
        self.begin_buffered().await?;
        Ok(moved)
    }

    /// Begins what waited for the end of the run before.
    async fn begin_buffered(&self) -> sqlx::Result<()> {
        let ready = sqlx::query!(
            "select s.id, s.tenant_id from engine.schedules s
              where s.buffered_at is not null and s.paused_at is null and not exists (
                select from (select t.job_id from engine.ticks t
                              where t.schedule_id = s.id and t.job_id is not null
                              order by t.due_at desc limit 100) ran
                  join engine.jobs j on j.tenant_id = s.tenant_id and j.id = ran.job_id)
              order by s.buffered_at limit $1",
            PAGE
        )
        .fetch_all(self.system())
        .await?;
        for row in ready {
            if let Err(error) = self.tick_one(row.tenant_id, row.id).await {
                tracing::error!(%error, schedule.id = %row.id, "a tick failed; trying again shortly");
            }
        }
        Ok(())
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
            tx.act(Action::Cancel, &active).await?;
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
            let job = view.job(Uuid::now_v7(), due);
            tx.write_tick(view, due, "started", None, Some(job.id)).await?;
            let by = Provenance { actor: view.actor.clone(), trace: None };
            tx.enqueue(&[job], &by).await?;
            Ok(())
        }
        Step::Skip(due) => tx.write_tick(view, due, "skipped", None, None).await,
        Step::Buffer(due) => tx.write_tick(view, due, "buffered", None, None).await,
        Step::Miss(first, last) => tx.write_tick(view, first, "missed", Some(last), None).await,
    }
}

/// Jobs of the schedule that have not ended, of its last hundred.
async fn active(tx: &mut Tx, view: &View) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select j.id from (select t.job_id from engine.ticks t
                            where t.schedule_id = $2 and t.tenant_id = $1 and t.job_id is not null
                            order by t.due_at desc limit 100) ran
           join engine.jobs j on j.tenant_id = $1 and j.id = ran.job_id",
        view.tenant,
        view.id
    )
    .fetch_all(tx.conn())
    .await
}

/// How much later a time's run begins: the same however often it is asked.
pub(super) fn jitter(schedule: Uuid, due: DateTime<Utc>, up_to_s: i32) -> TimeDelta {
    let mut hasher = DefaultHasher::new();
    (schedule, due).hash(&mut hasher);
    let span = u64::from(up_to_s.unsigned_abs()) * 1000 + 1;
    TimeDelta::milliseconds(i64::try_from(hasher.finish() % span).unwrap_or(0))
}
