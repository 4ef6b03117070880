//! Sockets of the tenants' people: they are told what happens, half of them of messages only, go away at random and come back.
//! Each ends with every event that was for it, in order and once, or it is told here what is missing.

use std::{sync::Arc, time::Duration};

use domain::{access::rows::Rows, events::Hearers};
use engine::log::{self, NewEntry};
use serde_json::json;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    shift::Shift,
    tenant::{RIGHTS, Tenant},
};
use crate::{Outcome, live::door::Client};

/// How long somebody stays, and how long they are away, in milliseconds.
const STAYS: std::ops::Range<u64> = 10_000..60_000;
const AWAY: std::ops::Range<u64> = 200..3_000;
/// What ends it all.
const LAST: &str = "message:last";
const NARROW: &str = "message.";
/// From the last event until everybody has it, comings back included.
const PATIENCE: Duration = Duration::from_mins(2);
const PAGE: i64 = 10_000;

/// What somebody was told: how much, and a number that another order or another choice would not come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Told {
    count: u64,
    digest: u64,
}

impl Told {
    fn add(&mut self, sequence: i64) {
        self.count += 1;
        self.digest = (self.digest ^ sequence.unsigned_abs()).wrapping_mul(0x0000_0100_0000_01b3);
    }
}

/// One of the crowd.
struct Member {
    place: usize,
    told: Told,
    visits: usize,
    doubled: u64,
    wrong: Vec<String>,
}

/// Everybody who has a socket.
pub struct Crowd {
    members: JoinSet<Outcome<Member>>,
    over: watch::Sender<bool>,
    many: usize,
}

/// What the crowd was told in all.
#[derive(Default)]
pub struct Heard {
    pub sockets: usize,
    pub visits: usize,
    pub events: u64,
    pub lost: u64,
    pub doubled: u64,
    pub broken: Vec<String>,
}

impl Crowd {
    /// They come, so many of them: the tenants in turn.
    pub fn come(shift: &Arc<Shift>, many: usize, dice: &mut fastrand::Rng) -> Self {
        let (over, is_over) = watch::channel(false);
        let mut members = JoinSet::new();
        for place in 0..many {
            let (shift, is_over, dice) = (Arc::clone(shift), is_over.clone(), dice.fork());
            members.spawn(async move { hears(&shift, place, is_over, dice).await });
        }
        Self { members, over, many }
    }

    /// Tells everybody that it is over, and judges what each was told.
    pub async fn leave(mut self, shift: &Shift) -> Outcome<Heard> {
        self.over.send_replace(true);
        for tenant in &shift.tenants {
            let id = tenant.id.0;
            let last =
                NewEntry { tenant: id, kind: "message.sent", subject: LAST.to_owned(), body: json!({}) };
            let mut tx = shift.house.platform.engine.begin_tenant(id).await?;
            tx.log(&[last]).await?;
            tx.commit().await?;
        }
        let mut heard = Heard { sockets: self.many, ..Heard::default() };
        let mut members = Vec::new();
        let all = async {
            while let Some(member) = self.members.join_next().await {
                members.push(member??);
            }
            Outcome::Ok(())
        };
        let ended = timeout(PATIENCE, all).await;
        match ended {
            Ok(ended) => ended?,
            Err(_) => {
                heard.broken.push(format!("only {} of {} sockets came to the end", members.len(), self.many));
            }
        }
        // Whoever was given up still holds the shift, which is closed behind this.
        self.members.shutdown().await;
        let mut wanted = Vec::new();
        for tenant in &shift.tenants {
            wanted.push([due(shift, tenant, "").await?, due(shift, tenant, NARROW).await?]);
        }
        for member in members {
            let wanted = wanted[member.place % wanted.len()][usize::from(is_narrow(shift, member.place))];
            heard.visits += member.visits;
            heard.events += member.told.count;
            heard.lost += wanted.count.saturating_sub(member.told.count);
            heard.doubled += member.doubled;
            heard.broken.extend(member.wrong);
            if member.told != wanted {
                let (told, due) = (member.told.count, wanted.count);
                heard
                    .broken
                    .push(format!("socket {} was told {told} events, and {due} were for it", member.place));
            }
        }
        Ok(heard)
    }
}

/// Whether somebody wants to hear of messages only: every other one of a tenant.
fn is_narrow(shift: &Shift, place: usize) -> bool {
    place / shift.tenants.len() % 2 == 1
}

/// Hears until the last event; goes away at random before, and comes back to where it was.
async fn hears(
    shift: &Shift,
    place: usize,
    is_over: watch::Receiver<bool>,
    mut dice: fastrand::Rng,
) -> Outcome<Member> {
    let tenant = &shift.tenants[place % shift.tenants.len()];
    let types = if is_narrow(shift, place) { "&types=message.*" } else { "" };
    let name = tenant.id.to_string();
    let mut member = Member { place, told: Told::default(), visits: 0, doubled: 0, wrong: Vec::new() };
    let mut since = 0_i64;
    loop {
        sleep(Duration::from_millis(dice.u64(AWAY))).await;
        let (due, query) = (Instant::now(), format!("since={since}{types}"));
        let opened = Client::open(&tenant.http, &tenant.base, shift.door.addr, &tenant.key, &query).await;
        let mut client = match opened {
            Ok(client) => client,
            Err(error) => {
                shift.record.failed("socket", error.to_string());
                continue;
            }
        };
        shift.record.took("socket", due);
        member.visits += 1;
        let until = Instant::now() + Duration::from_millis(dice.u64(STAYS));
        // Whoever is here when it is over stays to its end.
        while Instant::now() < until || *is_over.borrow() {
            let until = if *is_over.borrow() { Instant::now() + PATIENCE } else { until };
            let Ok(frame) = timeout_at(until, client.next()).await else { break };
            let Some(frame) = frame? else {
                shift.record.failed("socket", "the server closed it".to_owned());
                break;
            };
            let sequence = frame.sequence.ok_or("a frame without a sequence")?;
            match frame.op.as_deref() {
                Some("position") => since = since.max(sequence),
                Some(op) => member.wrong.push(format!("socket {place} was told {op} at {sequence}")),
                None if sequence <= since => member.doubled += 1,
                None => {
                    if frame.tenant.as_deref() != Some(name.as_str()) {
                        member.wrong.push(format!("socket {place} was told of {:?}", frame.tenant));
                    }
                    since = sequence;
                    member.told.add(sequence);
                    if frame.subject.as_deref() == Some(LAST) {
                        return Ok(member);
                    }
                }
            }
        }
        // Others are cut off without a word.
        if dice.bool() {
            client.leave().await;
        }
    }
}

/// What somebody of a tenant was to be told, by the log: up to the last, behind which nobody listens.
async fn due(shift: &Shift, tenant: &Tenant, prefix: &str) -> Outcome<Told> {
    let grants = RIGHTS.into_iter().collect();
    let mut tx = shift.house.platform.engine.begin_tenant(tenant.id.0).await?;
    let (mut wanted, mut since) = (Told::default(), 0);
    loop {
        let page = log::replay(tx.conn(), tenant.id.0, since, PAGE).await?;
        let Some(last) = page.last() else { return Ok(wanted) };
        since = last.seq;
        let heard = |entry: &&log::Entry| {
            entry.kind.starts_with(prefix) && Hearers::of(&entry.kind, &entry.body).include(grants, Rows::All)
        };
        for entry in page.iter().filter(heard) {
            wanted.add(entry.seq);
            if entry.subject == LAST {
                return Ok(wanted);
            }
        }
    }
}
