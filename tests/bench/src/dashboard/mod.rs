//! `./x bench dashboard`: how long the server takes for each page of the dashboard, in a house with five million jobs behind it
//! and two hundred thousand before it, a million calls and half a million leads that are counted.
//!
//! - [`filled`] what there is; [`visit`] the pages, as a browser asks for them

mod filled;
pub mod visit;

use std::{collections::BTreeMap, time::Duration};

use switchboard::process::{Plan, Process, Roles};
use uuid::Uuid;

use self::visit::{Visitor, kind};
use crate::{
    Outcome,
    access::{house::House, percentile},
};

const WARM_UP: usize = 5;
const LOOKS: usize = 50;
/// What 95 of 100 looks at a page may take, in milliseconds.
const BAR: f64 = 100.0;
/// Filters and spans that are measured besides what pages lead to: of the same kind is only the first that is met.
const ALSO: [&str; 15] = [
    "/ops/jobs?last=7d",
    "/ops/jobs?state=discarded",
    "/ops/jobs?state=parked",
    "/ops/jobs?kind=export_leads",
    "/ops/jobs?queue=operations&state=cancelled",
    "/ops/jobs?error=refused",
    "/ops/jobs?tag=campaign%3A4",
    "/ops/overview?last=7d",
    "/ops/reports/lead?range=last_quarter",
    "/ops/reports/call?range=last_quarter",
    "/ops/reports/agent?range=30d",
    "/ops/reports/message?range=last_quarter",
    "/ops/reports/job?range=7d",
    "/ops/reports/trends?measure=call.service_level&range=quarter",
    "/ops/reports/trends?measure=call.count&range=30d&by=hour",
];
/// The slowest page's.
const SLOWEST: &str = "page_ms_p95";
/// More kinds of pages than there will be.
const MOST: usize = 140;

/// How the table is asked for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// One JSON object instead of the table: `page_ms_p95`, which is the slowest page's, and a field for each page.
    #[arg(long)]
    json: bool,
}

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    let house = House::open().await?;
    filled::with_jobs(&house).await?;
    let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
    // No worker: what is before it stays there.
    let roles = Roles { api: true, ..Roles::default() };
    let process = Process::start(house.platform.clone(), Plan::unbounded(roles, heads)).await?;
    let base = format!("http://{}", process.addr.ok_or("the API has no address")?);
    filled::with_people(&base).await?;
    filled::with_figures(&house).await?;
    house.database.settle().await?;
    let visitor = Visitor::login(&base).await?;
    let pages = looks(&visitor).await?;
    process.stop().await;
    house.close().await?;

    let slowest = pages.values().copied().fold(0.0, f64::max);
    if args.json {
        let mut figures: BTreeMap<&str, f64> =
            pages.iter().map(|(page, millis)| (page.as_str(), *millis)).collect();
        figures.insert(SLOWEST, slowest);
        println!("{}", serde_json::to_string(&figures)?);
    } else {
        println!("{SLOWEST:<44} {slowest:>10.1}   <= {BAR}");
        for (page, millis) in &pages {
            println!("{page:<44} {millis:>10.1}   {}", if *millis > BAR { "MISSED" } else { "" });
        }
    }
    let missed = pages.values().filter(|millis| **millis > BAR).count();
    if missed > 0 {
        return Err(format!("{missed} pages take longer than {BAR} ms").into());
    }
    Ok(())
}

/// Each page of the navigation and each kind of page that they lead to, and some filters, in milliseconds.
async fn looks(visitor: &Visitor) -> Outcome<BTreeMap<String, f64>> {
    let mut found = BTreeMap::new();
    for path in ALSO {
        if let Some((millis, _)) = times(visitor, path).await? {
            found.insert(path.to_owned(), millis);
        }
    }
    let mut queue = visitor.navigation().await?;
    if queue.is_empty() {
        return Err("the navigation has no pages".into());
    }
    while let Some(path) = queue.pop() {
        let kind = kind(&path);
        if found.contains_key(&kind) || found.len() >= MOST {
            continue;
        }
        if let Some((millis, links)) = times(visitor, &path).await? {
            queue.extend(links);
            found.insert(kind, millis);
        }
    }
    Ok(found)
}

/// How long looks at a page take, and where it leads. None if it is no page.
async fn times(visitor: &Visitor, path: &str) -> Outcome<Option<(f64, Vec<String>)>> {
    let (mut times, mut links): (Vec<Duration>, _) = (Vec::with_capacity(LOOKS), Vec::new());
    for number in 0..WARM_UP + LOOKS {
        let Some(seen) = visitor.look(path).await? else { return Ok(None) };
        if number >= WARM_UP {
            times.push(seen.took);
        } else {
            links = seen.links;
        }
    }
    Ok(Some((percentile(&mut times, 95) * 1e3, links)))
}
