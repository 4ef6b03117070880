//! Old logs go to the archive and come back: nothing is dropped that was not read back, the chain holds across what was, and
//! whatever is done to the files is found.

mod attempts;
mod back;
mod changed;
mod damaged;
mod month;

use std::{path::PathBuf, pin::pin, task::Poll, time::Duration};

use domain::{
    archive::{Turn, check::check, leave::leave, plan::plan, write::write},
    audit::{seal::Sealer, verify::Verdict},
    ctx::Platform,
    types::TenantId,
};
use futures::future::poll_fn;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use switchboard::process::Roles;
use switchboard_tests::{Tenant, TestApp, app::platform, files, heads_file};

pub const ARCHIVES: &str = "/api/v1/compliance/archives";
const ARCHIVE: &str = "/api/v1/compliance/audit-logs/archive";
const LOGS: &str = "/api/v1/compliance/audit-logs";
const VERIFY: &str = "/api/v1/compliance/audit-logs/verify";

/// So many things that were done in a month that is long over, sealed.
async fn long_ago(app: &TestApp, tenant: &Tenant, entries: usize) {
    months_ago(app, tenant, 20, entries).await;
}

/// The same in a month of somebody's choice.
async fn months_ago(app: &TestApp, tenant: &Tenant, months: u32, entries: usize) {
    let mut owner = PgConnection::connect_with(&app.database.owner).await.expect("a connection");
    let month = format!(
        "(date_trunc('month', now() at time zone 'UTC') - interval '{months} months') at time zone 'UTC'"
    );
    let written = format!(
        "do $$
         declare
           first timestamptz := {month};
           after timestamptz := ({month} at time zone 'UTC' + interval '1 month') at time zone 'UTC';
         begin
           execute format('create table if not exists audit_log_%s partition of audit_log for values from (%L) to (%L)',
             to_char(first at time zone 'UTC', 'YYYYMM'), first, after);
         end $$;
         insert into audit_log (tenant_id, id, at, actor_kind, action, resource, resource_id, outcome, severity, detail)
         select '{}', gen_random_uuid(), {month} + n * interval '1 minute', 'system',
                case n % 3 when 0 then 'update' else 'create' end, 'lead', n::text, 'done',
                case n % 10 when 0 then 'notice' end, jsonb_build_object('n', n, 'x', 1.50)
           from generate_series(1, {entries}) n",
        tenant.id
    );
    sqlx::raw_sql(AssertSqlSafe(written)).execute(&mut owner).await.expect("the owner may");
    let sealer = sealer(app).await;
    let all_sealed = async {
        while verdict(&sealer, tenant.id).await.unsealed > 0 {
            if sealer.seal().await.expect("sealed") == 0 {
                // The process's own sealer is at it.
                tokio::task::yield_now().await;
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), all_sealed).await.expect("all is sealed");
}

async fn sealer(app: &TestApp) -> Sealer {
    Sealer::open(&platform(&app.database).await, &heads_file()).await.expect("a sealer")
}

async fn verdict(sealer: &Sealer, tenant: TenantId) -> Verdict {
    sealer.verify(tenant).await.expect("an answer")
}

/// All steps, of all tenants or of one.
async fn archive(platform: &Platform, only: Option<TenantId>) -> domain::Result<Turn> {
    plan(platform, only).await?;
    write(platform, only, &|| false).await?;
    check(platform, only, &|| false).await?;
    leave(platform, only, &|| false).await
}

/// An archive of a tenant's whose rows have left the database; answers its id.
pub async fn archived(app: &TestApp, tenant: &Tenant) -> String {
    long_ago(app, tenant, 3).await;
    archive(&app.process.app.platform, None).await.expect("archived");
    let listed = tenant.admin.all(ARCHIVES).await;
    let one = listed.iter().find(|archive| archive["state"] == "dropped").expect("it has left the database");
    one["id"].as_str().expect("an id").to_owned()
}

fn api_only() -> Roles {
    Roles { api: true, ..Roles::default() }
}

/// Where the files of a tenant's archives lie.
fn stored(tenant: &Tenant, ending: &str) -> PathBuf {
    fn find(folder: &std::path::Path, ending: &str) -> Option<PathBuf> {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let found = if path.is_dir() {
                find(&path, ending)
            } else {
                path.to_string_lossy().ends_with(ending).then_some(path)
            };
            if found.is_some() {
                return found;
            }
        }
        None
    }
    let folder = files().join(format!("tenants/{}", tenant.id));
    find(&folder, ending).expect("a file")
}

/// Runs something until it has waited so often, and leaves it there, as if the process had died.
async fn dies<T>(work: impl Future<Output = T>, waits: usize) -> Option<T> {
    let (mut work, mut left) = (pin!(work), waits);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}
