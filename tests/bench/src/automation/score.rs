//! A hundred thousand leads scored for the first time, as the job that the API makes of it.

use std::time::{Duration, Instant};

use serde_json::json;
use switchboard::{
    demo::client::Client,
    process::{Plan, Process, Roles},
};
use uuid::Uuid;

use crate::{
    Outcome,
    access::house::{EMAIL, House, PASSWORD, SLUG},
    database::run,
    table::Figures,
};

const LEADS: u32 = 100_000;
const WRITTEN: &str = "
insert into leads (tenant_id, id, status, source, activities, last_activity_at, created_at)
select t.id, ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (array['new', 'contacted', 'qualified', 'proposal', 'converted', 'lost'])[1 + n % 6],
       (array['referral', 'organic', 'campaign', 'paid_ads', 'import', 'manual'])[1 + n / 6 % 6],
       n % 7, engine.now() - n % 60 * interval '1 day', engine.now() - n % 400 * interval '1 day'
  from tenants t, generate_series(1, 100000) n where t.slug = 'house'";
/// How often it is asked whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Leads scored in a second, from the request to the end of the job.
pub async fn per_second() -> Outcome<Figures> {
    let house = House::open().await?;
    run(&mut house.database.conn().await?, WRITTEN).await?;
    house.database.settle().await?;
    let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
    let process = Process::start(house.platform.clone(), Plan::unbounded(Roles::ALL, heads)).await?;
    let addr = process.addr.ok_or("the API has no address")?;
    let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
    let client = Client::login(format!("http://{addr}"), &login).await?;
    let began = Instant::now();
    let asked = client.post("/api/v1/automation/leads/score", &json!({"all": true})).await?;
    let path = format!("/api/v1/operations/{}", asked["id"].as_str().ok_or("there is no operation")?);
    let ended = loop {
        let operation = client.get(&path).await?;
        if !["pending", "running"].contains(&operation["status"].as_str().unwrap_or_default()) {
            break operation;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    let took = began.elapsed();
    if ended["result"]["scored"] != LEADS {
        return Err(format!("not all leads were scored: {ended}").into());
    }
    process.stop().await;
    house.close().await?;
    Ok(vec![("score_per_s", f64::from(LEADS) / took.as_secs_f64())])
}
