//! Putting jobs in, inside the caller's transaction: a job commits with the row it serves.

use uuid::Uuid;

use crate::{NewJob, Tx};

/// Rows in one statement; larger batches are cut so that memory stays flat.
const SLICE: usize = 5_000;

/// What became of one asked-for job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// The job's id, or that of the job which already holds its key.
    pub id: Uuid,
    /// Whether it was put in now.
    pub fresh: bool,
}

/// On whose behalf jobs are enqueued; kept with each job and handed to its handler.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// Who asked, as the domain describes an actor.
    pub actor: serde_json::Value,
    /// W3C `traceparent`, or a request id.
    pub trace: Option<String>,
}

impl Tx {
    /// Enqueues jobs, answering one [`Enqueued`] for each in the same order.
    ///
    /// # Errors
    /// If the database refuses; the caller's transaction is then lost as a whole.
    pub async fn enqueue(&mut self, jobs: &[NewJob], by: &Provenance) -> sqlx::Result<Vec<Enqueued>> {
        let mut done = Vec::with_capacity(jobs.len());
        for slice in jobs.chunks(SLICE) {
            done.extend(self.enqueue_slice(slice, by).await?);
        }
        Ok(done)
    }

    async fn enqueue_slice(&mut self, jobs: &[NewJob], by: &Provenance) -> sqlx::Result<Vec<Enqueued>> {
        let mut lanes = Vec::with_capacity(jobs.len());
        let mut queues = Vec::with_capacity(jobs.len());
        for job in jobs {
            let queue = self.engine().queue_id(job.queue).await?;
            let place = (queue, job.tenant, job.priority, String::new());
            let lane = self.engine().lane_id(place).await?;
            lanes.push(lane);
            queues.push(queue);
        }
        let rows = sqlx::query!(
            r#"select id as "id!", fresh as "fresh!" from engine.enqueue(
                 $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"#,
            &jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.tenant).collect::<Vec<_>>(),
            &lanes,
            &queues,
            &jobs.iter().map(|job| job.priority).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.kind.to_owned()).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.version).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.args.clone()).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.run_at).collect::<Vec<_>>()
                as &[Option<chrono::DateTime<chrono::Utc>>],
            &jobs.iter().map(|job| millis(job.delay)).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.max_attempts).collect::<Vec<_>>(),
            &jobs
                .iter()
                .map(|job| i32::try_from(millis(job.timeout)).unwrap_or(i32::MAX))
                .collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.deadline).collect::<Vec<_>>()
                as &[Option<chrono::DateTime<chrono::Utc>>],
            by.actor,
            by.trace,
            &jobs.iter().map(|job| job.business_key.clone()).collect::<Vec<_>>() as &[Option<String>],
            &jobs.iter().map(|job| serde_json::json!(job.tags)).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.watched).collect::<Vec<_>>(),
            &jobs.iter().map(|job| job.unique.as_ref().map(|unique| unique.key.clone())).collect::<Vec<_>>()
                as &[Option<String>],
            &jobs.iter().map(|job| job.unique.as_ref()?.period.map(millis)).collect::<Vec<_>>()
                as &[Option<i64>],
        )
        .fetch_all(self.conn())
        .await?;
        for (queue, lane) in queues.into_iter().zip(lanes) {
            self.will_wake(queue, lane);
        }
        Ok(rows.into_iter().map(|row| Enqueued { id: row.id, fresh: row.fresh }).collect())
    }
}

fn millis(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
