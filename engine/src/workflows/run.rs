//! What is done with runs: start, signal, cancel, take up again; and a step that spreads into many jobs.

use uuid::Uuid;

use super::flow::MOST_STEPS;
use crate::{Enqueued, NewJob, Tx, enqueue::Provenance, finish::Claim};

/// What became of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signalled {
    /// The step that waited for it has ended.
    Taken,
    /// The step that will wait for it has not begun to.
    Kept,
    /// It was given before; the first one counts.
    GivenBefore,
    /// No step of the run waits for a signal of this name.
    Unknown,
    /// The step that waited for it is over.
    TooLate,
    /// The run is in this state, and not running.
    NotRunning(String),
    NoSuchRun,
}

/// What became of taking a run up again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restarted {
    Running,
    /// It goes on, or is being stopped.
    NotOver(String),
    UnknownStep,
    /// It completed, and no step was named.
    Nothing,
    /// Another run holds its uniqueness key by now.
    KeyHeld,
    NoSuchRun,
}

/// The step that a job belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepOf {
    pub run: Uuid,
    pub step: String,
    /// How far its spreading has come, as [`Tx::spread`] was last told.
    pub cursor: Option<String>,
}

impl Tx {
    /// Starts workflows: each is its first job, whose id is the run's. A uniqueness key is held until the run is over;
    /// one whose key is held is not started, and the answer names the run that holds it.
    ///
    /// # Errors
    /// If the database refuses; the caller's transaction is then lost as a whole.
    pub async fn start_workflows(
        &mut self,
        jobs: Vec<NewJob>,
        by: &Provenance,
    ) -> sqlx::Result<Vec<Enqueued>> {
        let of_run = |job: NewJob| NewJob { run: Some((job.id, None)), ..job };
        let jobs: Vec<NewJob> = jobs.into_iter().map(of_run).collect();
        let enqueued = self.enqueue(&jobs, by).await?;
        let fresh: Vec<&NewJob> =
            jobs.iter().zip(&enqueued).filter_map(|(job, done)| done.fresh.then_some(job)).collect();
        sqlx::query!(
            "select engine.start($1, $2)",
            &fresh.iter().map(|job| job.id).collect::<Vec<_>>(),
            &fresh.iter().map(|job| job.tenant).collect::<Vec<_>>()
        )
        .execute(self.conn())
        .await?;
        Ok(enqueued)
    }

    /// Gives a run of the transaction's tenant a signal.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn signal_run(
        &mut self,
        run: Uuid,
        name: &str,
        payload: &serde_json::Value,
        by: &Provenance,
    ) -> sqlx::Result<Signalled> {
        let given = sqlx::query!(
            r#"select result, lanes, logged as "logged!" from engine.signal($1, $2, $3, $4::jsonb::json)"#,
            run,
            name,
            payload,
            by.actor
        )
        .fetch_one(self.conn())
        .await?;
        self.has_released(given.lanes, given.logged).await?;
        Ok(match given.result {
            None => Signalled::NoSuchRun,
            Some(word) => match word.as_str() {
                "taken" => Signalled::Taken,
                "kept" => Signalled::Kept,
                "given_before" => Signalled::GivenBefore,
                "unknown" => Signalled::Unknown,
                "too_late" => Signalled::TooLate,
                _ => Signalled::NotRunning(word),
            },
        })
    }

    /// Stops a run of the transaction's tenant: nothing new begins. What runs is cancelled once this is committed, by
    /// [`Engine::wind_down`](crate::Engine::wind_down) or within a second by the ticker. Answers its state then;
    /// `None` if there is none.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn cancel_run(&mut self, run: Uuid) -> sqlx::Result<Option<String>> {
        let stopped = sqlx::query!(r#"select result, logged as "logged!" from engine.cancel_run($1)"#, run)
            .fetch_one(self.conn())
            .await?;
        self.has_released(None, stopped.logged).await?;
        Ok(stopped.result)
    }

    /// Takes a run of the transaction's tenant that is over up again: what failed or was cancelled, the named step, and
    /// all that follows these begins anew. Of a step that had spread only the jobs that did not complete.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn restart_run(&mut self, run: Uuid, from: Option<&str>) -> sqlx::Result<Restarted> {
        let ids = [(); MOST_STEPS].map(|()| Uuid::now_v7());
        let again = sqlx::query!(
            r#"select result, lanes, logged as "logged!" from engine.restart($1, $2, $3)"#,
            run,
            from,
            &ids
        )
        .fetch_one(self.conn())
        .await?;
        self.has_released(again.lanes, again.logged).await?;
        Ok(match again.result {
            None => Restarted::NoSuchRun,
            Some(word) => match word.as_str() {
                "restarted" => Restarted::Running,
                "unknown_step" => Restarted::UnknownStep,
                "nothing" => Restarted::Nothing,
                "key_held" => Restarted::KeyHeld,
                _ => Restarted::NotOver(word),
            },
        })
    }

    /// The step that a running job belongs to; `None` if it belongs to none, or the claim is lost.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn step_of(&mut self, claim: &Claim) -> sqlx::Result<Option<StepOf>> {
        sqlx::query_as!(
            StepOf,
            r#"select s.run_id as run, s.name as step, s.cursor
                 from engine.jobs j
                 join engine.steps s on s.tenant_id = j.tenant_id and s.run_id = j.run_id and s.name = j.step
                where j.tenant_id = $1 and j.id = $2 and j.claim = $3"#,
            claim.tenant,
            claim.job,
            claim.fence
        )
        .fetch_optional(self.conn())
        .await
    }

    /// Adds jobs to the step of a running job: the step ends when all of them have. The cursor, in words of the
    /// handler's own, moves in the same transaction, so a handler that is cut off goes on where it was and no slice
    /// comes twice. `false`, and nothing is added, if the claim is lost, the cursor is not where it was thought, the
    /// run is stopping or the job belongs to no step.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn spread(
        &mut self,
        claim: &Claim,
        jobs: Vec<NewJob>,
        by: &Provenance,
        from: Option<&str>,
        to: Option<&str>,
    ) -> sqlx::Result<bool> {
        let place = sqlx::query!(
            "select run, step from engine.open_step($1, $2, $3, $4)",
            claim.job,
            claim.fence,
            from,
            to
        )
        .fetch_one(self.conn())
        .await?;
        let (Some(run), Some(step)) = (place.run, place.step) else { return Ok(false) };
        let of_step = |job: NewJob| NewJob { run: Some((run, Some(step.clone()))), ..job };
        let jobs: Vec<NewJob> = jobs.into_iter().map(of_step).collect();
        let put = self.enqueue(&jobs, by).await?.iter().filter(|done| done.fresh).count();
        sqlx::query!(
            "update engine.steps set jobs = jobs + $4, left_jobs = left_jobs + $4
              where tenant_id = $1 and run_id = $2 and name = $3",
            claim.tenant,
            run,
            step,
            i32::try_from(put).unwrap_or(i32::MAX)
        )
        .execute(self.conn())
        .await?;
        Ok(true)
    }

    /// Wakes the lanes that steps were released to.
    pub(super) async fn has_released(&mut self, lanes: Option<Vec<i64>>, logged: bool) -> sqlx::Result<()> {
        if logged {
            self.has_logged();
        }
        let Some(lanes) = lanes.filter(|lanes| !lanes.is_empty()) else { return Ok(()) };
        let lanes = sqlx::query!("select id, queue_id from engine.lanes where id = any($1)", &lanes)
            .fetch_all(self.conn())
            .await?;
        for lane in lanes {
            self.will_wake(lane.queue_id, lane.id);
        }
        Ok(())
    }
}
