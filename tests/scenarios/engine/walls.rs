//! The tenant wall: found by the catalogue, so that a table without it turns the suite red.

use sqlx::{AssertSqlSafe, PgConnection, Row};
use switchboard_tests::{Database, TestApp};
use uuid::Uuid;

/// Tables with a tenant that lack the wall, as the catalogue knows them.
async fn open(conn: &mut PgConnection) -> Vec<String> {
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
    );
    let open = open.fetch_all(conn).await.expect("the catalogue answers");
    open.iter().map(|row| row.get("name")).collect()
}

/// Every table with a tenant.
async fn tables(conn: &mut PgConnection) -> Vec<String> {
    let tables = sqlx::query_scalar(
        "select c.oid::regclass::text
           from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
          where c.relkind in ('r', 'p') and not c.relispartition
            and c.relnamespace::regnamespace::text in ('engine', 'public')",
    );
    tables.fetch_all(conn).await.expect("the catalogue answers")
}

#[tokio::test]
async fn every_table_with_a_tenant_is_walled_and_a_fallen_wall_is_noticed() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    assert_eq!(open(&mut owner).await, [""; 0]);
    let tables = tables(&mut owner).await;
    assert!(tables.len() > 15, "{tables:?}");
    for table in &tables {
        for switch in ["disable", "enable"] {
            let statement = format!("alter table {table} {switch} row level security");
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut owner).await.expect("the owner may");
            let noticed = open(&mut owner).await;
            assert_eq!(noticed.contains(table), switch == "disable", "{table} {switch}: {noticed:?}");
        }
    }
}

#[tokio::test]
async fn without_a_filter_the_app_sees_one_tenants_rows_only() {
    let app = TestApp::start().await;
    for tenant in [&app.acme, &app.other] {
        crate::one_of_each::ids(tenant).await;
    }
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut walled = app.database.connect_as("switchboard_app").await;
    sqlx::query("select set_config('app.tenant', $1, false)")
        .bind(app.acme.id.to_string())
        .execute(&mut walled)
        .await
        .expect("a tenant is set");
    let mut shared = Vec::new();
    for table in tables(&mut system).await {
        let readable: bool =
            sqlx::query_scalar("select has_table_privilege('switchboard_app', $1, 'select')")
                .bind(&table)
                .fetch_one(&mut system)
                .await
                .expect("an answer");
        if !readable {
            continue;
        }
        let tenants = format!("select distinct tenant_id from {table}");
        let seen: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(tenants.clone()))
            .fetch_all(&mut walled)
            .await
            .expect("an answer");
        let there: Vec<Uuid> =
            sqlx::query_scalar(AssertSqlSafe(tenants)).fetch_all(&mut system).await.expect("an answer");
        assert!(seen.iter().all(|tenant| *tenant == app.acme.id.0), "{table} shows another tenant's rows");
        if there.len() > 1 {
            assert_eq!(seen, [app.acme.id.0], "{table} hides its own tenant's rows");
            shared.push(table);
        }
    }
    // The check means something only where both tenants have rows.
    for table in
        ["leads", "agents", "teams", "skills", "messages", "users", "providers", "imports", "audit_log"]
    {
        assert!(shared.iter().any(|found| found == table), "{table} has no rows of both: {shared:?}");
    }
    app.process.stop().await;
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

/// Few enough to be drawn, and each explained where the crate is.
#[tokio::test]
async fn the_engine_has_few_tables_and_says_what_each_is_for() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class
          where relnamespace = 'engine'::regnamespace and relkind in ('r', 'p') and not relispartition
          order by 1",
    )
    .fetch_all(&mut owner)
    .await
    .expect("the catalogue answers");
    assert!(tables.len() <= 24, "{tables:?}");
    let docs = include_str!("../../../engine/src/lib.rs");
    for table in &tables {
        assert!(docs.contains(&format!("//! | `{table}` |")), "{table} is not explained in the crate's docs");
    }
}

/// Keys, uniques and references of tables with a tenant that do not begin with it, as the catalogue knows them.
async fn loose(conn: &mut PgConnection) -> Vec<String> {
    let loose = sqlx::query_scalar(
        "with walled as (
           select c.oid, a.attnum as tenant from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
            where c.relkind in ('r', 'p') and not c.relispartition
              and c.relnamespace::regnamespace::text in ('engine', 'public'))
         select format('%s %s', i.indrelid::regclass, i.indexrelid::regclass)
           from walled w join pg_index i on i.indrelid = w.oid
          where i.indisunique and i.indkey[0] <> w.tenant
         union all
         select format('%s %s', k.conrelid::regclass, k.conname)
           from walled w join pg_constraint k on k.conrelid = w.oid
           join walled target on target.oid = k.confrelid
          where k.contype = 'f' and k.conkey[1] <> w.tenant
          order by 1",
    );
    loose.fetch_all(conn).await.expect("the catalogue answers")
}

/// What may begin with something else, and why.
const LOOSE: [(&str, &str); 16] = [
    ("api_keys api_keys_id_idx", "a key is looked up before its tenant is known"),
    ("dashboard_sessions dashboard_sessions_hash_idx", "a visitor is looked up before their tenant is known"),
    ("engine.lane_depths engine.lane_depths_pkey", "a lane is of one tenant"),
    ("engine.lanes engine.lanes_pkey", "claims go over the lanes of all tenants"),
    ("engine.lanes engine.lanes_place_key", "queue first: lanes are read by queue"),
    ("engine.limits engine.limits_pkey", "the operators' limits have no tenant"),
    ("engine.limits engine.limits_place_key", "the operators' limits have no tenant"),
    ("engine.log engine.log_pkey", "numbered and tailed over all tenants"),
    ("engine.pauses engine.pauses_pkey", "the operators' pauses have no tenant"),
    ("engine.pauses engine.pauses_place_key", "the operators' pauses have no tenant"),
    ("engine.schedules engine.schedules_pkey", "the product's own upkeep has no tenant"),
    ("engine.steps engine.steps_pkey", "a run is of one tenant"),
    ("engine.tally_minutes engine.tally_minutes_place_key", "folded by minute over all tenants"),
    ("engine.ticks engine.ticks_pkey", "a schedule is of one tenant or of none"),
    ("providers providers_callback_idx", "a callback is looked up before its tenant is known"),
    ("socket_tickets socket_tickets_hash_idx", "a ticket is redeemed before its tenant is known"),
];

#[tokio::test]
async fn keys_begin_with_the_tenant_but_where_it_is_said_why() {
    let database = Database::create().await;
    let mut owner = database.connect_as("none").await;
    let allowed: Vec<&str> = LOOSE.iter().map(|(name, _)| *name).collect();
    assert_eq!(loose(&mut owner).await, allowed);
    let careless = "create table careless (id uuid primary key, tenant_id uuid not null unique);
                    create table more (tenant_id uuid not null, id uuid references careless, primary key (tenant_id, id))";
    sqlx::raw_sql(careless).execute(&mut owner).await.expect("the owner may");
    let noticed = loose(&mut owner).await;
    assert_eq!(noticed.len(), allowed.len() + 2, "{noticed:?}");
}
