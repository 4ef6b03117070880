//! Figures are those of the rows: whatever is asked for is compared with a count in plain Rust over the raw rows, on the days
//! on which clocks change.
//!
//! - [`world`], [`runs`], [`deeds`] and [`spells`] the rows, drawn; [`oracle`] what is right of them, [`clock`] of days
//! - [`trends`], [`metrics`], [`messages`] figures as they are asked for; [`reports`], [`campaigns`], [`agents`], [`games`],
//!   [`jobs`] reports; [`rollups`], [`work`] how what they come of is kept

mod agents;
mod campaigns;
mod clock;
mod deeds;
mod games;
mod jobs;
mod messages;
mod metrics;
mod oracle;
mod reports;
mod rollups;
mod runs;
mod spells;
mod trends;
mod work;
mod world;

use domain::{
    Ctx,
    analytics::tail::{self, Advanced},
};
use engine::log::NewEntry;
use serde_json::json;
use sqlx::PgConnection;
use switchboard::process::Roles;
use switchboard_tests::{Tenant, TestApp};
use uuid::Uuid;

use self::world::World;
use crate::rights::admitted;

/// Zones, and the two days on which the clock of each changes; of the one where none does, of others.
pub const ZONES: [(&str, [&str; 2]); 4] = [
    ("Europe/Berlin", ["2026-03-29", "2026-10-25"]),
    ("America/New_York", ["2026-03-08", "2026-11-01"]),
    ("Australia/Lord_Howe", ["2026-04-05", "2026-10-04"]),
    ("Asia/Kathmandu", ["2026-03-29", "2026-10-25"]),
];

/// Tells of things that are there, in this order.
pub async fn tell(app: &TestApp, tenant: &Tenant, kind: &'static str, ids: &[Uuid]) {
    let about = kind.split('.').next().expect("what it is about");
    let entry =
        |id: &Uuid| NewEntry { tenant: tenant.id.0, kind, subject: format!("{about}:{id}"), body: json!({}) };
    let mut tx = app.process.app.platform.engine.begin_tenant(tenant.id.0).await.expect("a transaction");
    tx.log(&ids.iter().map(entry).collect::<Vec<_>>()).await.expect("logged");
    tx.commit().await.expect("committed");
}

/// All ids of a table of a tenant.
pub async fn ids(conn: &mut PgConnection, tenant: &Tenant, table: &'static str) -> Vec<Uuid> {
    let sql = match table {
        "calls" => "select id from calls where tenant_id = $1 order by id",
        _ => "select id from leads where tenant_id = $1 order by id",
    };
    sqlx::query_scalar(sql).bind(tenant.id.0).fetch_all(conn).await.expect("ids")
}

/// Reads on until everything that was told of is counted.
pub async fn counted(app: &TestApp, ctx: &Ctx) {
    let mut conn = app.database.connect_as("switchboard_system").await;
    let engine = app.process.app.platform.engine.clone();
    loop {
        engine.number_log().await.expect("numbered");
        while tail::advance(ctx).await.expect("read") != Advanced::Over {
            tokio::task::yield_now().await;
        }
        let all: bool = sqlx::query_scalar(
            "select coalesce((select p.sequence from rollup_positions p where p.tenant_id = $1), 0)
                  = (select count(*) from engine.log l where l.tenant_id = $1)",
        )
        .bind(ctx.tenant.0)
        .fetch_one(&mut conn)
        .await
        .expect("an answer");
        if all {
            return;
        }
        tokio::task::yield_now().await;
    }
}

/// A process that answers, and does nothing by itself: what is counted is what a test has put there, however old that is.
pub async fn quiet_app() -> TestApp {
    TestApp::with_roles(Roles { api: true, ..Roles::default() }).await
}

/// A tenant with rows that are all counted, another one with as many, and who may ask.
pub async fn counted_app(rows: usize) -> (TestApp, World, Ctx) {
    counted_in(TestApp::start().await, rows).await
}

/// The same in a process that is there.
pub async fn counted_in(app: TestApp, rows: usize) -> (TestApp, World, Ctx) {
    let mut conn = app.database.connect_as("switchboard_system").await;
    let (world, other) = (World::of(&app.acme).await, World::of(&app.other).await);
    world.fill(&mut conn, &app.acme, rows).await;
    other.fill(&mut conn, &app.other, rows).await;
    for tenant in [&app.acme, &app.other] {
        tell(&app, tenant, "call.ended", &ids(&mut conn, tenant, "calls").await).await;
        tell(&app, tenant, "lead.created", &ids(&mut conn, tenant, "leads").await).await;
    }
    let ctx = admitted(&app, &app.acme.admin).await;
    counted(&app, &ctx).await;
    counted(&app, &admitted(&app, &app.other.admin).await).await;
    (app, world, ctx)
}

/// Has the tenant's days begin in another zone.
pub async fn in_zone(tenant: &Tenant, zone: &str) {
    tenant.admin.patch("/api/v1/tenant", &json!({ "zone": zone })).await.expect(200);
}
