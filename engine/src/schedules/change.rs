//! Making, changing and ending schedules, and the record of their times.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    BadCalendar, Spec, When,
    store::now,
    view::{View, seconds},
};
use crate::{NewJob, Tx, enqueue::Provenance};

/// Why a schedule was not written.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Calendar(#[from] BadCalendar),
    /// It would never be due between its start and its end, or once in the past.
    #[error("it would never be due")]
    Over,
    /// Its runs would overtake each other.
    #[error("its jitter is not shorter than the time from one run to the next")]
    Jitter,
    /// Another of the tenant's schedules has its name.
    #[error("the name is taken")]
    Name,
    #[error(transparent)]
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(cause) if cause.constraint() == Some("schedules_name_key") => Self::Name,
            _ => Self::Database(error),
        }
    }
}

impl Tx {
    /// Puts a schedule in the place of the one with this id, or makes it. What was due before is forgotten.
    ///
    /// # Errors
    /// If it would never be due, its name is taken or the database refuses.
    pub async fn put_schedule(&mut self, id: Uuid, spec: &Spec, by: &Provenance) -> Result<(), Refused> {
        let now = now(self.conn()).await?;
        let mut times = spec.times(now)?;
        let next = times.next().ok_or(Refused::Over)?;
        if times.next().is_some_and(|after| (after - next).to_std().is_ok_and(|gap| gap <= spec.jitter)) {
            return Err(Refused::Jitter);
        }
        let (crontab, once) = match &spec.when {
            When::Crontab(crontab) => (Some(crontab), None),
            When::Once(at) => (None, Some(*at)),
        };
        let job = &spec.job;
        sqlx::query!(
            "insert into engine.schedules (id, tenant_id, name, queue, kind, version, priority, max_attempts,
                 timeout_ms, watched, workflow, args, actor, crontab, zone, once_at, overlap, misfire, catch_up,
                 max_lateness_s, jitter_s, starts_at, ends_at, created_at, updated_at, next_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $25, $11::text::json, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22, $23, $23, $24)
             on conflict (id) do update
                set name = excluded.name, queue = excluded.queue, kind = excluded.kind, version = excluded.version,
                    priority = excluded.priority, max_attempts = excluded.max_attempts,
                    timeout_ms = excluded.timeout_ms, watched = excluded.watched, workflow = excluded.workflow,
                    args = excluded.args,
                    actor = excluded.actor, crontab = excluded.crontab, zone = excluded.zone,
                    once_at = excluded.once_at, overlap = excluded.overlap, misfire = excluded.misfire,
                    catch_up = excluded.catch_up, max_lateness_s = excluded.max_lateness_s,
                    jitter_s = excluded.jitter_s, starts_at = excluded.starts_at, ends_at = excluded.ends_at,
                    updated_at = excluded.updated_at, next_at = excluded.next_at, buffered_at = null",
            id,
            job.tenant,
            spec.name,
            &*job.queue,
            &*job.kind,
            job.version,
            job.priority,
            job.max_attempts,
            job.timeout_ms(),
            job.watched,
            job.args.get(),
            by.actor,
            crontab,
            spec.zone,
            once,
            spec.overlap.as_str(),
            spec.misfire.as_str(),
            spec.misfire.most(),
            spec.max_lateness.map(seconds),
            seconds(spec.jitter),
            spec.starts_at,
            spec.ends_at,
            now,
            next,
            spec.workflow
        )
        .execute(self.conn())
        .await?;
        self.forget_buffered(id).await?;
        Ok(())
    }

    /// What waited for the run before does not begin any more, and the record says so.
    async fn forget_buffered(&mut self, id: Uuid) -> sqlx::Result<()> {
        sqlx::query!(
            "update engine.ticks set outcome = 'missed', until_at = due_at, ticked_at = engine.now()
              where schedule_id = $1 and outcome = 'buffered'",
            id
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    /// Stops a schedule, or lets it go on: from now, so that what was due meanwhile does not run. Answers
    /// whether it was not so already.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause_schedule(&mut self, view: &View, why: &str) -> sqlx::Result<bool> {
        let paused = sqlx::query!(
            "update engine.schedules set paused_at = engine.now(), why = $3, buffered_at = null
              where tenant_id = $1 and id = $2 and paused_at is null",
            view.tenant,
            view.id,
            why
        );
        let paused = paused.execute(self.conn()).await?.rows_affected() == 1;
        self.forget_buffered(view.id).await?;
        Ok(paused)
    }

    /// See [`Self::pause_schedule`].
    ///
    /// # Errors
    /// If this build does not know its zone, or the database refuses.
    pub async fn resume_schedule(&mut self, view: &View) -> Result<bool, Refused> {
        let now = now(self.conn()).await?;
        let next = view.times(now)?.next();
        let resumed = sqlx::query!(
            "update engine.schedules set paused_at = null, why = null, next_at = $3
              where tenant_id = $1 and id = $2 and paused_at is not null",
            view.tenant,
            view.id,
            next
        );
        Ok(resumed.execute(self.conn()).await?.rows_affected() == 1)
    }

    /// Takes a schedule and the record of its times away; its jobs stay. Answers whether it was there.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn drop_schedule(&mut self, tenant: Uuid, id: Uuid) -> sqlx::Result<bool> {
        let gone = sqlx::query!("delete from engine.schedules where tenant_id = $1 and id = $2", tenant, id);
        Ok(gone.execute(self.conn()).await?.rows_affected() == 1)
    }

    /// Begins a run now, whatever the schedule says about overlap and pause. Answers its job.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn run_schedule(&mut self, view: &View, job: Uuid, by: &Provenance) -> sqlx::Result<Uuid> {
        let now = now(self.conn()).await?;
        if !self.write_tick(view, now, "by_hand", None, Some(job)).await? {
            return Err(sqlx::Error::Protocol("it was due at this very instant; ask again".into()));
        }
        let mut new = view.job(job, now, 0.0);
        (new.run_at, new.deadline) = (None, None);
        self.begin_scheduled(view, new, by).await?;
        Ok(job)
    }

    /// Puts in what a schedule begins.
    pub(super) async fn begin_scheduled(
        &mut self,
        view: &View,
        job: NewJob,
        by: &Provenance,
    ) -> sqlx::Result<()> {
        if view.workflow {
            self.start_workflows(vec![job], by).await?;
        } else {
            self.enqueue(&[job], by).await?;
        }
        Ok(())
    }

    /// Writes down what became of a time; `false` if that is written already. One that was buffered may start
    /// or be missed later.
    pub(super) async fn write_tick(
        &mut self,
        view: &View,
        due: DateTime<Utc>,
        outcome: &str,
        until: Option<DateTime<Utc>>,
        job: Option<Uuid>,
    ) -> sqlx::Result<bool> {
        let written = sqlx::query!(
            "insert into engine.ticks as t (schedule_id, due_at, tenant_id, outcome, until_at, ticked_at, job_id)
             values ($1, $2, $3, $4, $5, engine.now(), $6)
             on conflict on constraint ticks_pkey do update
                set outcome = excluded.outcome, until_at = excluded.until_at, ticked_at = excluded.ticked_at,
                    job_id = excluded.job_id
              where t.outcome = 'buffered'",
            view.id,
            due,
            view.tenant,
            outcome,
            until,
            job
        );
        Ok(written.execute(self.conn()).await?.rows_affected() == 1)
    }
}
