//! How long it takes to seal a long audit log and to go through its chain.

use std::time::Instant;

use domain::audit::seal::Sealer;
use uuid::Uuid;

use super::house::House;
use crate::{Outcome, database::run, table::Figures};

const ROWS: i64 = 100_000;
/// A hundred thousand changes of the only tenant's, as the product writes them.
const WRITTEN: &str = r#"
insert into audit_log (tenant_id, id, actor_kind, actor_id, action, resource, resource_id, outcome, detail, request_id)
select t.id, gen_random_uuid(), 'user', gen_random_uuid(), 'update', 'lead', gen_random_uuid()::text, 'done',
       '{"changed": ["language", "status"]}', gen_random_uuid()::text
  from tenants t, generate_series(1, 100000) where t.slug = 'house'"#;

/// Seconds of both.
pub async fn verified() -> Outcome<Figures> {
    let house = House::open().await?;
    run(&mut house.database.conn().await?, WRITTEN).await?;
    let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
    let sealer = Sealer::open(&house.platform, &heads).await?;
    let began = Instant::now();
    while sealer.seal().await? > 0 {}
    let sealing = began.elapsed();
    house.database.settle().await?;
    let began = Instant::now();
    let verdict = sealer.verify(house.tenant).await?;
    let verified = began.elapsed();
    if verdict.broken.is_some() || verdict.unsealed > 0 || verdict.rows < ROWS {
        return Err(format!("the chain is not whole: {verdict:?}").into());
    }
    house.close().await?;
    Ok(vec![("seal_chain_s", sealing.as_secs_f64()), ("verify_chain_s", verified.as_secs_f64())])
}
