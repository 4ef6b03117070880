//! Sums are those of the rows whatever the log tells, in whichever order and how often, and after they are counted anew.

use std::time::Duration;

use domain::{
    Ctx,
    analytics::{
        rebuild,
        tail::{self, Advanced},
    },
};
use serde_json::json;
use sqlx::PgConnection;
use switchboard_tests::{Tenant, TestApp};
use uuid::Uuid;

use super::{World, counted, counted_app, ids, oracle, tell};
use crate::{access::by_token::owner, onboarding::until, rights::admitted};

/// What the tables of sums hold, by the names of their columns, those of all tenants but one left out.
async fn sums(conn: &mut PgConnection, tenant: &Tenant) -> serde_json::Value {
    let mut all = serde_json::Map::new();
    for table in [
        "call_totals",
        "call_quarters",
        "call_days",
        "call_outcomes",
        "lead_totals",
        "lead_quarters",
        "lead_days",
        "lead_owners",
    ] {
        let sql = format!(
            "select coalesce(jsonb_agg(to_jsonb(t) order by to_jsonb(t)::text), '[]') from {table} t
              where t.tenant_id = $1 and coalesce((to_jsonb(t) ->> 'calls')::bigint, (to_jsonb(t) ->> 'leads')::bigint) <> 0"
        );
        let rows: serde_json::Value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(tenant.id.0)
            .fetch_one(&mut *conn)
            .await
            .expect("rows");
        all.insert(table.to_owned(), rows);
    }
    all.into()
}

/// Whether what is counted over all time is what the rows come to, by quarter hours and by days.
async fn check(conn: &mut PgConnection, tenant: &Tenant) {
    let calls = oracle::calls(conn, tenant).await;
    let leads = oracle::leads(conn, tenant).await;
    let count = |n: usize| i64::try_from(n).expect("few");
    let value = |name: &str| oracle::of_calls(name, &calls.iter().collect::<Vec<_>>()).expect("a number");
    for table in ["call_totals", "call_quarters", "call_days"] {
        let sql = format!(
            "select coalesce(sum(calls), 0)::bigint, coalesce(sum(offered), 0)::float8, coalesce(sum(lost), 0)::float8,
                    coalesce(sum(talk_ms), 0)::float8 / 1000, coalesce(sum(value_cents), 0)::float8
               from {table} where tenant_id = $1"
        );
        let (n, offered, lost, talk, worth): (i64, f64, f64, f64, f64) =
            sqlx::query_as(sqlx::AssertSqlSafe(sql))
                .bind(tenant.id.0)
                .fetch_one(&mut *conn)
                .await
                .expect("sums");
        assert_eq!(n, count(calls.len()), "{table}");
        let right = ["call.offered", "call.lost", "call.talk_time", "call.value"].map(value);
        for (found, right) in [offered, lost, talk, worth].into_iter().zip(right) {
            assert!((found - right).abs() < 1e-6, "{table}: {found}, and right is {right}");
        }
    }
    for table in ["lead_totals", "lead_quarters", "lead_days", "lead_owners"] {
        let sql = format!(
            "select coalesce(sum(leads), 0)::bigint, coalesce(sum(converted), 0)::bigint from {table} where tenant_id = $1"
        );
        let found: (i64, i64) = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(tenant.id.0)
            .fetch_one(&mut *conn)
            .await
            .expect("sums");
        let converted = leads.iter().filter(|lead| lead.status == "converted").count();
        assert_eq!(found, (count(leads.len()), count(converted)), "{table}");
    }
}

/// Reads the log, and waits until what cannot be known of it any more was counted anew.
async fn is_rebuilt(app: &TestApp, ctx: &Ctx) {
    while tail::advance(ctx).await.expect("read") != Advanced::Over {
        tokio::task::yield_now().await;
    }
    let jobs = "/api/v1/jobs?kind=rebuild_rollups";
    until(&app.acme.admin, jobs, |page| page["items"][0]["state"] == "completed").await;
}

async fn rebuilt(ctx: &Ctx) {
    while !rebuild::part(ctx).await.expect("a part").over {}
}

#[tokio::test]
async fn what_is_told_late_twice_or_in_another_order_is_counted_once_where_it_belongs() {
    let (app, world, ctx) = counted_app(60).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    check(&mut conn, &app.acme).await;
    let first = sums(&mut conn, &app.acme).await;
    let (calls, leads) = (ids(&mut conn, &app.acme, "calls").await, ids(&mut conn, &app.acme, "leads").await);
    let backwards: Vec<_> = calls.iter().rev().copied().collect();
    for kind in ["call.completed", "call.answered", "call.ringing"] {
        tell(&app, &app.acme, kind, &backwards).await;
    }
    tell(&app, &app.acme, "lead.updated", &leads).await;
    tell(&app, &app.acme, "lead.activity", &leads).await;
    counted(&app, &ctx).await;
    assert_eq!(sums(&mut conn, &app.acme).await, first, "told again, nothing has changed");

    // What happened long ago and is told now lands where it happened.
    world.fill(&mut conn, &app.acme, 10).await;
    let late: Vec<_> =
        ids(&mut conn, &app.acme, "calls").await.into_iter().filter(|id| !calls.contains(id)).collect();
    assert_eq!(sums(&mut conn, &app.acme).await, first, "of what nobody tells nothing is known");
    tell(&app, &app.acme, "call.ended", &late).await;
    tell(&app, &app.acme, "lead.created", &ids(&mut conn, &app.acme, "leads").await).await;
    counted(&app, &ctx).await;
    check(&mut conn, &app.acme).await;

    // What is corrected, and what is gone.
    let leads = ids(&mut conn, &app.acme, "leads").await;
    sqlx::query("update calls set direction = 'outbound', satisfaction = 5, started_at = started_at - interval '1 day'")
        .execute(&mut conn)
        .await
        .expect("corrected");
    sqlx::query("update leads set status = 'converted', value_cents = 7 where status = 'new'")
        .execute(&mut conn)
        .await
        .expect("corrected");
    sqlx::query("delete from leads where status = 'lost'").execute(&mut conn).await.expect("gone");
    tell(&app, &app.acme, "call.updated", &ids(&mut conn, &app.acme, "calls").await).await;
    tell(&app, &app.acme, "lead.deleted", &leads).await;
    tell(&app, &app.acme, "lead.updated", &ids(&mut conn, &app.acme, "leads").await).await;
    counted(&app, &ctx).await;
    check(&mut conn, &app.acme).await;
    let now = sums(&mut conn, &app.acme).await;
    assert_ne!(now, first);
    rebuilt(&ctx).await;
    assert_eq!(sums(&mut conn, &app.acme).await, now, "counted anew it is the same");
    app.process.stop().await;
}

#[tokio::test]
async fn counted_anew_everything_is_right_again_whatever_was_lost() {
    let (app, world, ctx) = counted_app(60).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let (mine, theirs) = (sums(&mut conn, &app.acme).await, sums(&mut conn, &app.other).await);
    // Sums that are wrong, sums that are gone, and rows of which nobody was told.
    for sql in [
        "update call_quarters set calls = calls + 3, talk_ms = 0",
        "update call_totals set lost = lost + 1",
        "delete from lead_totals",
        "delete from call_days",
        "update lead_owners set leads = leads * 2",
        "delete from lead_quarters where quarter < '2026-06-01'",
        "delete from call_counted where direction = 'outbound'",
        "update lead_counted set converted = 0",
    ] {
        let sql = format!("{sql} {} tenant_id = $1", if sql.contains(" where ") { "and" } else { "where" });
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(app.acme.id.0).execute(&mut conn).await.expect("spoilt");
    }
    assert_ne!(sums(&mut conn, &app.acme).await, mine);
    rebuilt(&ctx).await;
    assert_eq!(sums(&mut conn, &app.acme).await, mine);
    assert_eq!(sums(&mut conn, &app.other).await, theirs, "the other tenant's are as they were");
    world.fill(&mut conn, &app.acme, 20).await;
    rebuilt(&ctx).await;
    check(&mut conn, &app.acme).await;
    let operation = app.acme.admin.post("/api/v1/analytics/rebuild", &json!({})).await;
    assert_eq!(app.acme.admin.ended(operation).await["status"], "succeeded");
    check(&mut conn, &app.acme).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_log_that_was_dropped_before_it_was_read_has_everything_counted_anew() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let world = World::of(&app.acme).await;
    counted(&app, &ctx).await;
    world.fill(&mut conn, &app.acme, 20).await;
    // As if entries had been there and gone: the place that was read is far behind the first one that is kept.
    sqlx::query("update rollup_positions set sequence = -5 where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut conn)
        .await
        .expect("set back");
    is_rebuilt(&app, &ctx).await;
    check(&mut conn, &app.acme).await;
    app.process.stop().await;
}

#[tokio::test]
async fn a_hole_amid_what_is_read_has_everything_counted_anew() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let world = World::of(&app.acme).await;
    tell(&app, &app.acme, "call.updated", &[Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7()]).await;
    counted(&app, &ctx).await;
    world.fill(&mut conn, &app.acme, 20).await;
    let mut owner = owner(&app).await;
    // The second entry is gone, and those around it are read anew.
    sqlx::query("delete from engine.log_order where tenant_id = $1 and seq = 2")
        .bind(app.acme.id.0)
        .execute(&mut owner)
        .await
        .expect("dropped");
    sqlx::query("update rollup_positions set sequence = 0 where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut conn)
        .await
        .expect("set back");
    is_rebuilt(&app, &ctx).await;
    check(&mut conn, &app.acme).await;
    app.process.stop().await;
}

#[tokio::test]
async fn no_row_of_another_tenant_is_counted() {
    let (app, ..) = counted_app(30).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let before = sums(&mut conn, &app.acme).await;
    let ctx = admitted(&app, &app.acme.admin).await;
    // Their calls and leads, told of in this tenant's log.
    tell(&app, &app.acme, "call.ended", &ids(&mut conn, &app.other, "calls").await).await;
    tell(&app, &app.acme, "lead.created", &ids(&mut conn, &app.other, "leads").await).await;
    counted(&app, &ctx).await;
    rebuilt(&ctx).await;
    assert_eq!(sums(&mut conn, &app.acme).await, before);
    app.process.stop().await;
}

#[tokio::test]
async fn what_one_that_was_given_up_has_left_is_not_where_the_next_one_begins() {
    let (app, ..) = counted_app(30).await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let before = sums(&mut conn, &app.acme).await;
    sqlx::query(
        "update rollup_positions set rebuild_step = 'days', rebuild_day = '2999-01-01' where tenant_id = $1",
    )
    .bind(app.acme.id.0)
    .execute(&mut conn)
    .await
    .expect("left behind");
    sqlx::query("update call_counted set lost = lost + 1 where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut conn)
        .await
        .expect("spoilt");
    sqlx::query("delete from call_totals where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut conn)
        .await
        .expect("spoilt");
    let operation = app.acme.admin.post("/api/v1/analytics/rebuild", &json!({})).await;
    assert_eq!(app.acme.admin.ended(operation).await["status"], "succeeded");
    assert_eq!(sums(&mut conn, &app.acme).await, before);
    app.process.stop().await;
}

#[tokio::test]
async fn what_is_to_be_counted_anew_does_not_wait_for_something_to_happen() {
    let app = TestApp::start().await;
    let mut conn = app.database.connect_as("switchboard_system").await;
    let ctx = admitted(&app, &app.acme.admin).await;
    let world = World::of(&app.acme).await;
    counted(&app, &ctx).await;
    // Of which nobody is told, as those are that were there before figures were kept.
    world.fill(&mut conn, &app.acme, 20).await;
    sqlx::query("update rollup_positions set rebuild_wanted = true where tenant_id = $1")
        .bind(app.acme.id.0)
        .execute(&mut conn)
        .await
        .expect("wanted");
    let made = async {
        loop {
            let leads: i64 = sqlx::query_scalar(
                "select coalesce(sum(leads), 0)::bigint from lead_owners where tenant_id = $1",
            )
            .bind(app.acme.id.0)
            .fetch_one(&mut conn)
            .await
            .expect("a sum");
            if leads == 20 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), made).await.expect("it is counted by itself");
    app.process.stop().await;
}
