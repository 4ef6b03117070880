//! A hundred clients that drop and come back at random, at two notifier processes of which one is killed again and again:
//! each ends with every event that it may see, in order, once, and none of another tenant's.

use std::{net::SocketAddr, time::Duration};

use domain::{
    access::{permission::Permission, rows::Rows},
    events::Hearers,
    types::TenantId,
};
use engine::log::{self, NewEntry};
use serde_json::json;
use switchboard::demo::client::Client as Admin;
use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{
    api::{Api, KEY},
    crew::Hand,
    report::{Finding, Wish},
    site::Site,
};
use crate::{
    Outcome,
    live::door::{Client, Door},
};

const CLIENTS: usize = 100;
const IN_A_COMMIT: usize = 50;
const KINDS: [&str; 5] = ["message.sent", "lead.updated", "message.read", "lead.created", "message.failed"];
const LAST: &str = "message:last";
/// After the last event and the last death; among them a client may have to come back.
const OVER_WITHIN_S: f64 = 60.0;
/// Frames of a visit.
const STAYS: std::ops::Range<usize> = 1..600;

/// Where notifiers answer, by now.
type Doors = watch::Receiver<Vec<SocketAddr>>;

/// Who watches, and what they may see.
struct Watcher {
    tenant: TenantId,
    bearer: String,
    permissions: Vec<Permission>,
}

/// What a client has been told, and what was wrong with it.
struct Told {
    tenant: TenantId,
    sequences: Vec<i64>,
    visits: usize,
    wrong: Vec<String>,
}

pub async fn run(wish: Wish) -> Outcome<Finding> {
    let (events, times) = if wish.long { (50_000, 20) } else { (4_000, 3) };
    let mut dice = fastrand::Rng::with_seed(wish.seed);
    let site = Site::prepare().await?;
    let api = Api::open(&site).await?;
    let tenants = [api.found("first").await?, api.found("second").await?];
    let watchers = watchers(&tenants).await?;
    let scheduler = Hand::product(&site, KEY)?;
    let open = async || Door::open(&site.connect, &site.home(), KEY, "notifier").await;
    let mut doors = vec![open().await?, open().await?];
    let addresses = |doors: &[Door]| doors.iter().map(|door| door.addr).collect::<Vec<_>>();
    let (told_of, known) = watch::channel(addresses(&doors));
    let mut clients = JoinSet::new();
    for (number, watcher) in watchers.iter().enumerate() {
        let (tenant, bearer) = (watcher.tenant, watcher.bearer.clone());
        let (base, doors, seed) = (api.client.base.clone(), known.clone(), dice.u64(..));
        clients.spawn(async move { (number, hears(&base, tenant, &bearer, doors, seed).await) });
    }
    let writing = write(&api, [tenants[0].0, tenants[1].0], events);
    let killing = async {
        for _ in 0..times {
            tokio::time::sleep(Duration::from_millis(dice.u64(500..2_000))).await;
            let victim = doors.swap_remove(dice.usize(..doors.len()));
            victim.kill().await?;
            told_of.send_replace(addresses(&doors));
            doors.push(open().await?);
            told_of.send_replace(addresses(&doors));
        }
        Outcome::Ok(())
    };
    let ((), ()) = tokio::try_join!(writing, killing)?;
    let all_in = Instant::now();
    let mut finding = Finding { runs: times, jobs: 2 * events, ..Finding::default() };
    let mut visits = 0;
    while let Some(done) = clients.join_next().await {
        let (number, told) = done?;
        let told = told?;
        let wanted = expected(&api, &watchers[number]).await?;
        finding.lost +=
            wanted.iter().filter(|sequence| told.sequences.binary_search(sequence).is_err()).count();
        finding.doubled += told.sequences.len().saturating_sub(wanted.len());
        visits += told.visits;
        finding.broken.extend(told.wrong);
        let is_right = told.tenant == watchers[number].tenant && told.sequences == wanted;
        finding.holds(is_right, || format!("client {number} was not told what it may see"));
    }
    finding.begun_again = visits;
    finding.recovered(all_in.elapsed().as_secs_f64(), OVER_WITHIN_S);
    finding.holds(visits > 2 * CLIENTS, || format!("only {visits} visits: nobody came back"));
    drop((doors, scheduler));
    let engine = api.close().await;
    site.clear_away(engine).await?;
    Ok(finding)
}

/// Keys of two tenants that may see messages, or leads as well.
async fn watchers(tenants: &[(TenantId, Admin); 2]) -> Outcome<Vec<Watcher>> {
    let mut watchers = Vec::new();
    for number in 0..CLIENTS {
        let (tenant, admin) = &tenants[number / 2 % 2];
        let mut permissions = vec![Permission::MessagesRead];
        if number % 2 == 1 {
            permissions.push(Permission::LeadsRead);
        }
        let mut names: Vec<&str> = permissions.iter().map(|permission| permission.as_str()).collect();
        names.push(Permission::EventsRead.as_str());
        let made = admin.post("/api/v1/api-keys", &json!({"name": "watcher", "permissions": names})).await?;
        let bearer = made["key"].as_str().ok_or("no key")?.to_owned();
        watchers.push(Watcher { tenant: *tenant, bearer, permissions });
    }
    Ok(watchers)
}

/// Has things happen in both tenants, and at last one that ends it.
async fn write(api: &Api, tenants: [TenantId; 2], events: usize) -> Outcome<()> {
    let entry =
        |tenant: TenantId, kind, subject| NewEntry { tenant: tenant.0, kind, subject, body: json!({}) };
    for first in (0..events).step_by(IN_A_COMMIT) {
        for tenant in tenants {
            let entries: Vec<NewEntry> = (first..first + IN_A_COMMIT)
                .map(|number| entry(tenant, KINDS[number % KINDS.len()], format!("message:{number}")))
                .collect();
            put(api, tenant, &entries).await?;
        }
        // About four thousand a second, so that all of it lasts for as long as the deaths.
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    for tenant in tenants {
        put(api, tenant, &[entry(tenant, "message.sent", LAST.to_owned())]).await?;
    }
    Ok(())
}

async fn put(api: &Api, tenant: TenantId, entries: &[NewEntry]) -> Outcome<()> {
    let mut tx = api.engine().begin_tenant(tenant.0).await?;
    tx.log(entries).await?;
    tx.commit().await?;
    Ok(())
}

/// Hears until the last event; goes away at random, and comes back to either process.
async fn hears(base: &str, tenant: TenantId, bearer: &str, mut doors: Doors, seed: u64) -> Outcome<Told> {
    let (mut dice, http) = (fastrand::Rng::with_seed(seed), reqwest::Client::new());
    let (mut told, mut since) = (Told { tenant, sequences: Vec::new(), visits: 0, wrong: Vec::new() }, 0);
    let name = tenant.to_string();
    loop {
        let open = doors.borrow_and_update().clone();
        let addr = open[dice.usize(..open.len())];
        // It may have been killed at this moment.
        let Ok(mut client) = Client::open(&http, base, addr, bearer, &format!("since={since}")).await else {
            tokio::time::sleep(Duration::from_millis(dice.u64(10..100))).await;
            continue;
        };
        told.visits += 1;
        for _ in 0..dice.usize(STAYS) {
            let Some(frame) = client.next().await? else { break };
            let sequence = frame.sequence.ok_or("a frame without a sequence")?;
            match frame.op.as_deref() {
                Some("position") => since = since.max(sequence),
                Some(op) => told.wrong.push(format!("{op} at {sequence}")),
                None => {
                    if sequence <= since {
                        told.wrong.push(format!("{sequence} came after {since}"));
                    }
                    if frame.tenant.as_deref() != Some(&name) {
                        told.wrong.push(format!("{sequence} is of {:?}", frame.tenant));
                    }
                    since = sequence;
                    told.sequences.push(sequence);
                    if frame.subject.as_deref() == Some(LAST) {
                        return Ok(told);
                    }
                }
            }
        }
        if dice.bool() {
            client.leave().await;
        }
    }
}

/// The sequences that somebody was to be told.
async fn expected(api: &Api, watcher: &Watcher) -> Outcome<Vec<i64>> {
    let (mut tx, tenant) = (api.engine().begin_tenant(watcher.tenant.0).await?, watcher.tenant.0);
    let grants = watcher.permissions.iter().copied().collect();
    let (mut wanted, mut since) = (Vec::new(), 0);
    loop {
        let page = log::replay(tx.conn(), tenant, since, 10_000).await?;
        let Some(last) = page.last() else { return Ok(wanted) };
        since = last.seq;
        let seen =
            page.iter().filter(|entry| Hearers::of(&entry.kind, &entry.body).include(grants, Rows::All));
        wanted.extend(seen.map(|entry| entry.seq));
    }
}
