//! The steps with which first jobs begin their runs, as columns of one statement.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::flow::What;
use crate::{Engine, NewJob, finish::Ending};

/// See `engine.expand`: one element a step.
#[derive(Default)]
pub(crate) struct Steps {
    tenants: Vec<Uuid>,
    runs: Vec<Uuid>,
    names: Vec<String>,
    positions: Vec<i16>,
    needs: Vec<String>,
    followers: Vec<String>,
    conditions: Vec<Option<String>>,
    condition_outcomes: Vec<Option<&'static str>>,
    go_on: Vec<bool>,
    lanes: Vec<Option<i64>>,
    args: Vec<Option<String>>,
    max_attempts: Vec<Option<i16>>,
    timeouts_ms: Vec<Option<i32>>,
    watched: Vec<bool>,
    business_keys: Vec<Option<String>>,
    delays_ms: Vec<Option<i64>>,
    signals: Vec<Option<String>>,
    jobs: Vec<Option<Uuid>>,
}

impl Steps {
    /// Of all these endings; none as a rule.
    ///
    /// # Errors
    /// If a lane cannot be had.
    pub(crate) async fn of(engine: &Engine, endings: &[Ending]) -> sqlx::Result<Self> {
        let mut columns = Self::default();
        for (ending, steps) in endings.iter().filter_map(|ending| Some((ending, ending.steps.as_ref()?))) {
            let mut followers: HashMap<&str, Vec<&str>> = HashMap::new();
            for step in steps.iter() {
                for needs in &step.needs {
                    followers.entry(needs).or_default().push(&step.name);
                }
            }
            for (position, step) in (0..).zip(steps.iter()) {
                let (job, signal, delay) = match &step.what {
                    What::Job(job) => (Some(job), None, Some(job.delay).filter(|delay| !delay.is_zero())),
                    What::Wait { signal, at_most } => (None, signal.clone(), *at_most),
                };
                columns.tenants.push(ending.tenant);
                columns.runs.push(ending.job);
                columns.names.push(step.name.clone());
                columns.positions.push(position);
                columns.needs.push(step.needs.join(","));
                columns
                    .followers
                    .push(followers.get(&*step.name).map(|names| names.join(",")).unwrap_or_default());
                columns.conditions.push(step.only.as_ref().map(|(on, _)| on.clone()));
                columns.condition_outcomes.push(step.only.as_ref().map(|(_, ended)| ended.as_str()));
                columns.go_on.push(step.go_on);
                columns.lanes.push(match job {
                    Some(job) => Some(engine.lane_of(job).await?.1),
                    None => None,
                });
                columns.args.push(job.map(|job| job.args.get().to_owned()));
                columns.max_attempts.push(job.map(|job| job.max_attempts));
                columns.timeouts_ms.push(job.map(|job| job.timeout_ms()));
                columns.watched.push(job.is_some_and(|job| job.watched));
                columns.business_keys.push(job.and_then(|job| job.business_key.clone()));
                columns.delays_ms.push(delay.map(NewJob::millis));
                columns.signals.push(signal);
                columns.jobs.push(job.map(|job| job.id));
            }
        }
        Ok(columns)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Puts them in, in the transaction that is about to end these jobs.
    ///
    /// # Errors
    /// If a job was not started as a workflow, or the database refuses.
    pub(crate) async fn put(&self, conn: &mut PgConnection, endings: &[Ending]) -> sqlx::Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "select engine.expand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                 $20, $21, $22)",
            &endings.iter().map(|ending| ending.job).collect::<Vec<_>>(),
            &endings.iter().map(|ending| ending.tenant).collect::<Vec<_>>(),
            &endings.iter().map(|ending| ending.claim).collect::<Vec<_>>(),
            &endings.iter().map(|ending| ending.steps.is_some()).collect::<Vec<_>>(),
            &self.tenants,
            &self.runs,
            &self.names,
            &self.positions,
            &self.needs,
            &self.followers,
            &self.conditions as &[Option<String>],
            &self.condition_outcomes as &[Option<&str>],
            &self.go_on,
            &self.lanes as &[Option<i64>],
            &self.args as &[Option<String>],
            &self.max_attempts as &[Option<i16>],
            &self.timeouts_ms as &[Option<i32>],
            &self.watched,
            &self.business_keys as &[Option<String>],
            &self.delays_ms as &[Option<i64>],
            &self.signals as &[Option<String>],
            &self.jobs as &[Option<Uuid>],
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
