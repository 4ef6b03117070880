//! The tick: begins what is due. Any number of processes may tick; each time of a schedule comes once.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    BUSINESS_KEY, Step, business_key,
    store::{self, View},
};
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
    /// Begins all that is due now. Answers how many schedules were moved on. One that fails holds up no other.
    async fn turn(&mut self) -> sqlx::Result<usize> {
        let now = Instant::now();
        self.failed.retain(|_, until| *until > now);
        let mut moved = 0;
        loop {
            let due = self.due().await?;
            let more = due.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for (tenant, id) in due {
                if self.stop.is_cancelled() {
                    return Ok(moved);
                }
                match self.engine.tick_one(tenant, id).await {
                    Ok(did) => moved += usize::from(did),
                    Err(error) => {
                        tracing::error!(%error, schedule.id = %id, "a tick failed; it is tried again in a minute");
                        metrics::counter!("engine_ticks_failed_total").increment(1);
                        self.failed.insert(id, Instant::now() + FAILED);
                    }
                }
            }
            if !more {
                return Ok(moved);
            }
        }
    }

    /// Schedules whose time has come, and those whose run has ended that another waits for. Each tenant's
    /// first before any one's second.
    async fn due(&self) -> sqlx::Result<Vec<(Uuid, Uuid)>> {
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
               )
               select id as "id!", tenant_id as "tenant_id!" from due where id <> all($2)
                order by row_number() over (partition by tenant_id order by since), since limit $1"#,
            PAGE,
            &passed_over,
            BUSINESS_KEY
        )
        .fetch_all(self.engine.system())
        .await?;
        Ok(due.into_iter().map(|row| (row.tenant_id, row.id)).collect())
    }
}

impl Engine {
    /// Begins all that is due now. Answers how many schedules were moved on.
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
            let job = view.job(Uuid::now_v7(), due, chance());
            // A time that is in the record came before, whatever the clock did since.
            if tx.write_tick(view, due, "started", None, Some(job.id)).await? {
                let by = Provenance { actor: view.actor.clone(), trace: None };
                tx.enqueue(&[job], &by).await?;
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

/// Jobs of the schedule that have not ended; a thousand at most, which is what can be acted on.
async fn active(tx: &mut Tx, view: &View) -> sqlx::Result<Vec<Uuid>> {
    sqlx::query_scalar!(
        "select id from engine.jobs where tenant_id = $1 and business_key = $2 order by id limit 1000",
        view.tenant,
        business_key(view.id)
    )
    .fetch_all(tx.conn())
    .await
}
