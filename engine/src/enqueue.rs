//! Putting jobs in, inside the caller's transaction: a job commits with the row it serves.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::{NewJob, Tx, job::Unique};

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
    /// The id of the request, and behind a semicolon its W3C `traceparent` where traces are told; the engine only keeps it.
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
        if self.has_decided() {
            // The decision keeps lanes from being made until it commits; waiting for it here would never end.
            let why = "commit the pause, limit or weight first, then enqueue in a transaction of its own";
            return Err(sqlx::Error::Protocol(why.into()));
        }
        let mut lanes = Vec::with_capacity(jobs.len());
        for job in jobs {
            let (queue, lane) = self.engine().lane_of(job).await?;
            self.will_wake(queue, lane);
            lanes.push(lane);
        }
        match jobs {
            [job] if job.run.is_none() => match &job.unique {
                None => self.enqueue_one(job, lanes[0], by).await,
                Some(unique) => self.enqueue_unique(job, unique, lanes[0], by).await,
            },
            _ => self.enqueue_many(jobs, &lanes, by).await,
        }
    }

    /// The usual case of a caller's transaction, as one plain statement.
    async fn enqueue_one(&mut self, job: &NewJob, lane: i64, by: &Provenance) -> sqlx::Result<Vec<Enqueued>> {
        sqlx::query!(
            "insert into engine.jobs (id, tenant_id, lane, args, run_at, created_at, max_attempts, timeout_ms,
                 deadline, actor, trace, business_key, tags, watched)
             select $1, $2, $3, $4::text::json, greatest($5, ready + $6::bigint * interval '1 ms', ready), ready,
                    $7, $8, $9, $10::text::json, $11, $12, $13, $14
               from engine.ready_at() ready",
            job.id,
            job.tenant,
            lane,
            job.args.get(),
            job.run_at,
            NewJob::millis(job.delay),
            job.max_attempts,
            job.timeout_ms(),
            job.deadline,
            by.actor.to_string(),
            by.trace,
            job.business_key,
            tags(job) as Option<&[String]>,
            job.watched,
        )
        .execute(self.conn())
        .await?;
        Ok(vec![Enqueued { id: job.id, fresh: true }])
    }

    /// The same for one whose key may be held. A key that is held is only read: locking it would make its
    /// job's ending wait for this transaction.
    async fn enqueue_unique(
        &mut self,
        job: &NewJob,
        unique: &Unique,
        lane: i64,
        by: &Provenance,
    ) -> sqlx::Result<Vec<Enqueued>> {
        let holder = sqlx::query_scalar!(
            r#"with r as materialized (select engine.ready_at() as ready), held as materialized (
               select k.job_id from engine.keys k, r
                where k.tenant_id = $2 and k.kind = $15 and k.key = $16 and coalesce(k.expires_at > r.ready, true)
             ), key as (
               insert into engine.keys as k (tenant_id, kind, key, job_id, expires_at)
               select $2, $15, $16, $1, ready + $17::bigint * interval '1 ms' from r
                where not exists (select from held)
               on conflict on constraint keys_pkey do update
                  set job_id = case when k.expires_at <= (select ready from r) then excluded.job_id else k.job_id end,
                      expires_at = case when k.expires_at <= (select ready from r)
                                        then excluded.expires_at else k.expires_at end
               returning k.job_id
             ), put as (
               insert into engine.jobs (id, tenant_id, lane, args, run_at, created_at, max_attempts, timeout_ms,
                   deadline, actor, trace, business_key, tags, watched, unique_key)
               select $1, $2, $3, $4::text::json, greatest($5, ready + $6::bigint * interval '1 ms', ready), ready,
                      $7, $8, $9, $10::text::json, $11, $12, $13, $14, $16
                 from r, key where key.job_id = $1
             )
             select job_id as "holder!" from key union all select job_id from held"#,
            job.id,
            job.tenant,
            lane,
            job.args.get(),
            job.run_at,
            NewJob::millis(job.delay),
            job.max_attempts,
            job.timeout_ms(),
            job.deadline,
            by.actor.to_string(),
            by.trace,
            job.business_key,
            tags(job) as Option<&[String]>,
            job.watched,
            &*job.kind,
            unique.key,
            unique.period.map(NewJob::millis),
        )
        .fetch_one(self.conn())
        .await?;
        Ok(vec![Enqueued { id: holder, fresh: holder == job.id }])
    }

    async fn enqueue_many(
        &mut self,
        jobs: &[NewJob],
        lanes: &[i64],
        by: &Provenance,
    ) -> sqlx::Result<Vec<Enqueued>> {
        let rows = sqlx::query!(
            r#"select id as "id!", fresh as "fresh!" from engine.enqueue(
                 $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)"#,
            &column(jobs, |job| job.id),
            &column(jobs, |job| job.tenant),
            lanes,
            &column(jobs, |job| &*job.kind) as &[&str],
            &column(jobs, |job| job.args.get()) as &[&str],
            &column(jobs, |job| job.run_at) as &[Option<DateTime<Utc>>],
            &column(jobs, |job| NewJob::millis(job.delay)),
            &column(jobs, |job| job.max_attempts),
            &column(jobs, NewJob::timeout_ms),
            &column(jobs, |job| job.deadline) as &[Option<DateTime<Utc>>],
            by.actor.to_string(),
            by.trace,
            &column(jobs, |job| job.business_key.as_deref()) as &[Option<&str>],
            &column(jobs, |job| tags(job).map(|tags| serde_json::json!(tags)))
                as &[Option<serde_json::Value>],
            &column(jobs, |job| job.watched),
            &column(jobs, |job| job.unique.as_ref().map(|unique| unique.key.as_str())) as &[Option<&str>],
            &column(jobs, |job| job.unique.as_ref()?.period.map(NewJob::millis)) as &[Option<i64>],
            &column(jobs, |job| job.run.as_ref().map(|(run, _)| *run)) as &[Option<Uuid>],
            &column(jobs, |job| job.run.as_ref()?.1.as_deref()) as &[Option<&str>],
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows.into_iter().map(|row| Enqueued { id: row.id, fresh: row.fresh }).collect())
    }
}

/// One value of each row, as a statement takes its columns.
pub(crate) fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn tags(job: &NewJob) -> Option<&[String]> {
    (!job.tags.is_empty()).then_some(job.tags.as_slice())
}
