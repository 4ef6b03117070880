//! The steps with which first jobs begin their runs, put in by one statement.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::flow::{NewStep, What};
use crate::{Engine, NewJob, enqueue::column, finish::Ending};

/// The steps of all runs that a batch of endings begins: none as a rule.
pub(crate) struct Steps<'a>(Vec<Row<'a>>);

struct Row<'a> {
    begun: &'a Ending,
    position: i16,
    step: &'a NewStep,
    followers: String,
    lane: Option<i64>,
}

impl Row<'_> {
    fn job(&self) -> Option<&NewJob> {
        if let What::Job(job) = &self.step.what { Some(job) } else { None }
    }

    fn signal(&self) -> Option<&str> {
        if let What::Wait { signal, .. } = &self.step.what { signal.as_deref() } else { None }
    }

    fn delay_ms(&self) -> Option<i64> {
        match &self.step.what {
            What::Job(job) => Some(job.delay).filter(|delay| !delay.is_zero()),
            What::Wait { at_most, .. } => *at_most,
        }
        .map(NewJob::millis)
    }
}

impl<'a> Steps<'a> {
    /// # Errors
    /// If a lane cannot be had.
    pub(crate) async fn of(engine: &Engine, endings: &'a [Ending]) -> sqlx::Result<Self> {
        let mut rows = Vec::new();
        for (begun, steps) in endings.iter().filter_map(|ending| Some((ending, ending.steps.as_ref()?))) {
            let mut followers: HashMap<&str, Vec<&str>> = HashMap::new();
            for step in steps.iter() {
                for needs in &step.needs {
                    followers.entry(needs).or_default().push(&step.name);
                }
            }
            for (position, step) in (0..).zip(steps.iter()) {
                let followers = followers.get(&*step.name).map(|names| names.join(",")).unwrap_or_default();
                let mut row = Row { begun, position, step, followers, lane: None };
                if let What::Job(job) = &step.what {
                    row.lane = Some(engine.lane_of(job).await?.1);
                }
                rows.push(row);
            }
        }
        Ok(Self(rows))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Puts them in, in the transaction that is about to end these jobs.
    ///
    /// # Errors
    /// If a job was not started as a workflow, or the database refuses.
    pub(crate) async fn put(&self, conn: &mut PgConnection, endings: &[Ending]) -> sqlx::Result<()> {
        let rows = &self.0[..];
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query!(
            "select engine.expand($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
                 $20, $21, $22)",
            &column(endings, |ending| ending.job),
            &column(endings, |ending| ending.tenant),
            &column(endings, |ending| ending.claim),
            &column(endings, |ending| ending.steps.is_some()),
            &column(rows, |row| row.begun.tenant),
            &column(rows, |row| row.begun.job),
            &column(rows, |row| &*row.step.name) as &[&str],
            &column(rows, |row| row.position),
            &column(rows, |row| row.step.needs.join(",")),
            &column(rows, |row| &*row.followers) as &[&str],
            &column(rows, |row| row.step.only.as_ref().map(|(on, _)| &**on)) as &[Option<&str>],
            &column(rows, |row| row.step.only.as_ref().map(|(_, ended)| ended.as_str())) as &[Option<&str>],
            &column(rows, |row| row.step.go_on),
            &column(rows, |row| row.lane) as &[Option<i64>],
            &column(rows, |row| row.job().map(|job| job.args.get())) as &[Option<&str>],
            &column(rows, |row| row.job().map(|job| job.max_attempts)) as &[Option<i16>],
            &column(rows, |row| row.job().map(NewJob::timeout_ms)) as &[Option<i32>],
            &column(rows, |row| row.job().is_some_and(|job| job.watched)),
            &column(rows, |row| row.job()?.business_key.as_deref()) as &[Option<&str>],
            &column(rows, Row::delay_ms) as &[Option<i64>],
            &column(rows, Row::signal) as &[Option<&str>],
            &column(rows, |row| row.job().map(|job| job.id)) as &[Option<Uuid>],
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}
