//! Keys are replaced while everybody reads and writes, and nothing is left under those before.

mod crashes;
mod erased;
mod meanwhile;
mod passes;
mod whole;
mod worn;
mod wrapping;

use std::{collections::BTreeSet, sync::Arc};

use domain::vault::{
    kek::KeyEncryptionKey,
    rotation::{
        Phase,
        turn::{self, Turn},
        view,
    },
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};
use switchboard::platform::KeySource;
use switchboard_tests::{Client, TestApp, app};
use uuid::Uuid;

pub const KEYS: &str = "/api/v1/compliance/keys";
const HOOKS: &str = "/api/v1/communication/webhooks";
/// The key of the fixtures, and the one that follows it.
pub const OLD: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
pub const NEW: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// Has keys replaced and waits for the end; answers the rotation.
pub async fn rotate(admin: &Client, what: &str) -> Value {
    let asked = admin.post(&format!("{KEYS}/rotate"), &json!({ "what": what })).await;
    let id = asked.body["id"].as_str().expect("an id").to_owned();
    assert_eq!(admin.ended(asked).await["status"], "succeeded");
    admin.get(&format!("{KEYS}/rotations/{id}")).await.expect(200)
}

/// Values whose key is not one that seals, by table and column: what is left of a rotation, or was lost in it.
pub async fn under_other_keys(app: &TestApp) -> Vec<(String, i64)> {
    let mut system = app.database.connect_as("switchboard_system").await;
    let mut left = Vec::new();
    for (table, column) in sealed_columns(&mut system).await {
        // Who was erased has keys that are destroyed; a tenant's that are destroyed sealed nothing that is left.
        let count = format!(
            "select count(*) from (select tenant_id, encode(substring({column} from 3 for 16), 'hex') as key
                                     from {table} where length({column}) >= 46) t
              where not exists (
                select from tenant_keys k where k.tenant_id = t.tenant_id and k.id::text = t.key::uuid::text
                   and k.state = 'current' and k.wrapped is not null)
                and not exists (
                select from subject_keys k where k.tenant_id = t.tenant_id and k.id::text = t.key::uuid::text
                   and (k.state = 'current' or k.wrapped is null))"
        );
        let rows: i64 =
            sqlx::query_scalar(AssertSqlSafe(count)).fetch_one(&mut system).await.expect("an answer");
        if rows > 0 {
            left.push((format!("{table}.{column}"), rows));
        }
    }
    left
}

async fn sealed_columns(conn: &mut PgConnection) -> BTreeSet<(String, String)> {
    let found: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
          where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
            and a.attname like '%\\_sealed' and not a.attisdropped",
    )
    .fetch_all(conn)
    .await
    .expect("the catalogue answers");
    found.into_iter().collect()
}

/// Cancels the run of a rotation. Where no worker takes its steps it would stand in the way of the next one.
pub async fn stop(admin: &Client, ctx: &domain::Ctx, rotation: Uuid) {
    let run = view::get(ctx, rotation).await.expect("a rotation").run_id;
    admin.post(&format!("/api/v1/workflows/{run}/cancel"), &json!({})).await.expect(200);
}

/// Takes turns until the rotation is in a phase.
pub async fn until(ctx: &domain::Ctx, rotation: Uuid, phase: Phase) {
    loop {
        match turn::take(ctx, rotation, Phase::Destroy).await.expect("a turn").0 {
            Turn::Past(now) if now >= phase => return,
            Turn::Gone => panic!("it is gone"),
            _ => {}
        }
    }
}

fn files() -> domain::storage::Storage {
    switchboard::storage::folder(&app::files()).expect("a folder")
}

pub fn kek(text: &str) -> Arc<dyn KeyEncryptionKey> {
    KeySource::Text(text).read().expect("a key")
}
