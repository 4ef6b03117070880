//! What the ticker does for workflows: wake what slept, and cancel what still runs of runs that are stopping.

use uuid::Uuid;

use crate::{Engine, operate::Action};

/// Steps woken, or jobs cancelled, in one transaction.
const PAGE: i32 = 1_000;

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

    /// Cancels what still runs or waits of a run that is stopping.
    ///
    /// # Errors
    /// If the database does not answer; the ticker goes on with it then.
    pub async fn wind_down(&self, tenant: Uuid, run: Uuid) -> sqlx::Result<()> {
        loop {
            let mut tx = self.begin_tenant(tenant).await?;
            let jobs = sqlx::query_scalar!(
                r#"select j.id as "id!" from engine.runs r, engine.jobs_of_run(r.tenant_id, r.id) j
                    where r.tenant_id = $1 and r.id = $2 and r.state = 'stopping' and j.unasked
                    order by j.id limit $3"#,
                tenant,
                run,
                i64::from(PAGE)
            )
            .fetch_all(tx.conn())
            .await?;
            if jobs.is_empty() {
                return Ok(());
            }
            tx.act(Action::Cancel, &jobs).await?;
            tx.commit().await?;
        }
    }
}
