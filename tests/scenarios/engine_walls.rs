//! The tenant wall: found by the catalogue, so that a table without it turns the suite red.

use sqlx::Row;
use switchboard_tests::Database;

#[tokio::test]
async fn every_table_with_a_tenant_is_walled_for_owner_and_app() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let open = sqlx::query(
        "select c.oid::regclass::text as name
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
          where c.relkind in ('r', 'p') and not c.relispartition
            and c.relnamespace::regnamespace::text in ('engine', 'public')
            and not (c.relrowsecurity and c.relforcerowsecurity and exists (
              select from pg_policies p
               where format('%I.%I', p.schemaname, p.tablename)::regclass = c.oid
                 and p.policyname = 'tenant' and p.roles = '{switchboard_app}'
                 and p.qual = p.with_check and p.qual like '%engine.tenant()%'))",
    )
    .fetch_all(&mut owner)
    .await
    .expect("the catalogue answers");
    let open: Vec<String> = open.iter().map(|row| row.get("name")).collect();
    assert!(open.is_empty(), "these tables have a tenant and no wall: {open:?}");
}

#[tokio::test]
async fn partitions_cannot_be_read_around_the_wall() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let reachable: i64 = sqlx::query_scalar(
        "select count(*) from pg_class c
          where c.relispartition and c.relkind = 'r'
            and (has_table_privilege('switchboard_app', c.oid, 'select')
              or has_table_privilege('switchboard_app', c.oid, 'insert'))",
    )
    .fetch_one(&mut owner)
    .await
    .expect("the catalogue answers");
    assert_eq!(reachable, 0);
}

#[tokio::test]
async fn without_a_tenant_the_app_sees_nothing() {
    let database = Database::create().await;
    let mut system = database.connect_as("switchboard_system").await;
    sqlx::query(
        "insert into engine.log (tenant_id, type, subject, body) values (gen_random_uuid(), 't', 's', '{}')",
    )
    .execute(&mut system)
    .await
    .expect("the system writes");
    let mut app = database.connect_as("switchboard_app").await;
    let seen: i64 =
        sqlx::query_scalar("select count(*) from engine.log").fetch_one(&mut app).await.expect("an answer");
    assert_eq!(seen, 0);
}
