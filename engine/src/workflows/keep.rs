//! What the ticker does for workflows: wake what slept, and cancel what still runs of runs that are stopping.

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{Engine, operate::Action};

/// Steps woken, or jobs cancelled, in one transaction.
const PAGE: i32 = 1_000;
/// Pages of one run's jobs, before others have their turn.
const PAGES: usize = 20;

impl Engine {
    /// Ends the sleep of steps whose time has come. Answers how many there were.
    pub(crate) async fn wake_steps(&self) -> sqlx::Result<usize> {
        let mut woken = 0;
        loop {
            let mut tx = self.begin_system().await?;
            let done = sqlx::query!(
                r#"select woken as "woken!", lanes, logged as "logged!" from engine.wake($1)"#,
                PAGE
            )
            .fetch_one(tx.conn())
            .await?;
            tx.has_released(done.lanes, done.logged).await?;
            tx.commit().await?;
            if done.woken == 0 {
                return Ok(woken);
            }
            woken += usize::try_from(done.woken).unwrap_or(0);
        }
    }

    /// Cancels what still runs or waits of a run that is stopping: so much as one transaction may. `true` if there may
    /// be more, which is the ticker's to do.
    ///
    /// # Errors
    /// If the database does not answer; the ticker goes on with it then.
    pub async fn wind_down(&self, tenant: Uuid, run: Uuid) -> sqlx::Result<bool> {
        let mut tx = self.begin_tenant(tenant).await?;
        let jobs = sqlx::query_scalar!(
            r#"select j.id as "id!" from engine.runs r, engine.jobs_of_run(r.tenant_id, r.id) j
                where r.tenant_id = $1 and r.id = $2 and r.state = 'stopping' and j.unasked
                limit $3"#,
            tenant,
            run,
            i64::from(PAGE)
        )
        .fetch_all(tx.conn())
        .await?;
        tx.act(Action::Cancel, &jobs).await?;
        tx.commit().await?;
        Ok(jobs.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX))
    }

    /// The same, page by page, as long as it is asked for.
    pub(crate) async fn wind_down_until(
        &self,
        tenant: Uuid,
        run: Uuid,
        stop: &CancellationToken,
    ) -> sqlx::Result<()> {
        for _ in 0..PAGES {
            if stop.is_cancelled() || !self.wind_down(tenant, run).await? {
                break;
            }
        }
        Ok(())
    }
}
