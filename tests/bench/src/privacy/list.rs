//! Pages of two hundred leads with eight encrypted fields each, over HTTP from a running server: three columns and five
//! attributes, in full, as whoever may see them gets them.

use std::time::Instant;

use serde_json::json;
use switchboard::{
    demo::client::Client,
    process::{Plan, Process, Roles},
};
use uuid::Uuid;

use crate::{
    Outcome,
    access::{
        house::{EMAIL, House, PASSWORD, SLUG},
        percentile,
    },
    table::Figures,
};

/// Ten pages, so that none of them is the whole table.
const LEADS: u32 = 2_000;
const WARM_UP: usize = 50;
const PAGES: usize = 500;
const PAGE: &str = "/api/v1/leads?limit=200";

/// The time in which 95 of 100 pages are there, in milliseconds.
pub async fn pages() -> Outcome<Figures> {
    let house = House::open().await?;
    let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
    let roles = Roles { api: true, ..Roles::default() };
    let process = Process::start(house.platform.clone(), Plan::unbounded(roles, heads)).await?;
    let base = format!("http://{}", process.addr.ok_or("the API has no address")?);
    let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
    let client = Client::login(base.clone(), &login).await?;
    for number in 0..LEADS {
        let lead = json!({
            "name": format!("Ada Lovelace {number}"), "phone": format!("+1415555{:04}", 100 + number),
            "email": format!("ada{number}@example.com"),
            "attributes": {
                "street": "12 St James's Square", "city": "London SW1Y 4JH", "company": "Analytical Engines Ltd",
                "birthday": "1815-12-10", "notes": "call in the afternoon, not on Sundays",
            },
        });
        client.post("/api/v1/leads", &lead).await?;
    }
    house.database.settle().await?;
    let page = client.get(PAGE).await?;
    let items = page["items"].as_array().ok_or("a page without leads")?;
    let is_whole = |lead: &serde_json::Value| {
        ["name", "phone", "email"].iter().all(|field| lead[field].is_string())
            && lead["attributes"].as_object().is_some_and(|all| all.len() == 5)
    };
    if items.len() != 200 || !items.iter().all(is_whole) {
        return Err("a page does not hold 200 leads with eight fields".into());
    }
    // What the other side makes of a page is not ours to measure, so its bytes are all that is taken.
    let token = house.login().await?.token;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let mut times = Vec::with_capacity(PAGES);
    let mut cursor = String::new();
    for number in 0..WARM_UP + PAGES {
        let asked = http.get(format!("{base}{PAGE}{cursor}")).bearer_auth(&token);
        let began = Instant::now();
        let bytes = asked.send().await?.error_for_status()?.bytes().await?;
        if number >= WARM_UP {
            times.push(began.elapsed());
        }
        let page: serde_json::Value = serde_json::from_slice(&bytes)?;
        cursor = page["next_cursor"].as_str().map_or_else(String::new, |next| format!("&cursor={next}"));
    }
    let slow = percentile(&mut times, 95) * 1e3;
    process.stop().await;
    house.close().await?;
    Ok(vec![("list_200_leads_ms_p95", slow)])
}
