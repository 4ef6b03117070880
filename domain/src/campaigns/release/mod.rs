//! Making messages of recipients whose time has come, so many at a time. A recipient and its message commit together, so that
//! nobody is missed and nobody gets two; a run has no more than a window of messages under way, so that a pause is felt at
//! once and one campaign does not stand before another.

mod gone;
mod hand_over;
mod rate;
mod rest;
mod variant;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    definition::{CampaignChannel, Definition},
    progress::Counts,
    rules::{
        breaker::Memory,
        budget::Micros,
        lifecycle::{RecipientStatus, RunStatus},
        winner::Looks,
    },
    run::Frozen,
    settle,
    store::{self, DueRow, Left, RunRow},
};
use crate::{
    Ctx,
    error::{Error, Result},
    events::{Event, EventType},
    messages::to_many::Ground,
    tenancy::TenantTx,
    types::CampaignRunId,
};

/// Messages made in one transaction. Where a page finds no room in the window the next turn waits: many small ones cost more.
const PAGE: u32 = 1_000;
/// Messages of a run that are under way at a time: more than a second's worth, for that is how long a turn may wait.
const WINDOW: i64 = 6_000;
/// Changes of counts that are added up in one turn.
const FOLD: i64 = 2_000;
/// People are told of progress no more often.
const TELL_EVERY: TimeDelta = TimeDelta::milliseconds(500);
/// How long to rest while the plan is not there yet, and while a campaign is paused.
const REST: Duration = Duration::from_secs(1);
const PAUSED: Duration = Duration::from_secs(5);

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There may be more to do.
    Went,
    /// Nothing for so long, unless somebody wakes it.
    Wait(Duration),
    /// Nothing waits for a message, but messages are under way.
    Settling,
    /// The run is over.
    Over,
}

/// One turn of a run: makes the messages that are due and may be made now, and looks whether it is to go on at all.
///
/// # Errors
/// If the database refuses; nothing was changed then.
pub async fn turn(ctx: &Ctx, id: CampaignRunId) -> Result<Turn> {
    let mut tx = ctx.begin().await?;
    let tenant = tx.tenant;
    let Some(run) = store::lock_run(tx.conn(), tenant, id).await? else { return Ok(Turn::Over) };
    match run.status()? {
        RunStatus::Running => {}
        RunStatus::Planning => return Ok(Turn::Wait(REST)),
        RunStatus::Paused => {
            // What had left when it was paused may have been the last of it.
            let is_drained = run.planned_at.is_some() && Counts::of(&mut tx, id).await?.open() == 0;
            drop(tx);
            return if is_drained { settle::finish(ctx, id).await } else { Ok(Turn::Wait(PAUSED)) };
        }
        RunStatus::Stopping => {
            drop(tx);
            return settle::stop(ctx, id).await;
        }
        RunStatus::Finished | RunStatus::Cancelled | RunStatus::Failed => return Ok(Turn::Over),
    }
    let folded = store::fold(tx.conn(), tenant, id, FOLD).await?;
    let frozen = Frozen::read(&run)?;
    let counts = Counts::of(&mut tx, id).await?;
    let mut desk = Desk::open(&run, &frozen, &counts);
    desk.moved = folded > 0;
    if let Some(code) = desk.trips() {
        drop(tx);
        return settle::trip(ctx, id, code).await;
    }
    desk.decide(&mut tx).await?;
    let room = desk.room();
    if room == 0 && desk.is_spent() {
        drop(tx);
        return settle::trip(ctx, id, "budget").await;
    }
    let rows = desk.due(&mut tx, room).await?;
    let mut is_short = false;
    let turn = if rows.is_empty() {
        desk.rest(&mut tx, room).await?
    } else {
        let ground = Ground::find(&mut tx).await?;
        if let Some(code) = desk.cannot(&ground) {
            drop(tx);
            return settle::trip(ctx, id, code).await;
        }
        is_short = !Box::pin(desk.release(ctx, &mut tx, &ground, &rows)).await?;
        if is_short { Turn::Wait(desk.patience()) } else { Turn::Went }
    };
    desk.leave(&mut tx).await?;
    tx.commit().await?;
    if is_short && counts.budget(&frozen).reserved == Micros::ZERO {
        // Nothing comes back any more of what was set aside.
        return settle::trip(ctx, id, "budget").await;
    }
    if turn == Turn::Over { settle::finish(ctx, id).await } else { Ok(turn) }
}

/// What is decided in a turn.
struct Desk<'r> {
    run: &'r RunRow,
    frozen: &'r Frozen,
    counts: &'r Counts,
    memory: Memory,
    looks: Looks,
    tokens: f64,
    /// The last of the first wave was handed over by now.
    sampled: bool,
    winner: Option<i16>,
    why: Option<Value>,
    /// Since when it is known what the second wave gets.
    decided_at: Option<DateTime<Utc>>,
    /// Recipients have moved since the turn before that left anything, or in this one.
    moved: bool,
}

fn stored<T: DeserializeOwned + Default>(kept: &Value) -> T {
    serde_json::from_value(kept.clone()).unwrap_or_default()
}

fn kept<T: Serialize>(value: &T) -> Result<Value> {
    serde_json::to_value(value).map_err(Error::internal)
}

impl<'r> Desk<'r> {
    fn open(run: &'r RunRow, frozen: &'r Frozen, counts: &'r Counts) -> Self {
        let rate = frozen.definition.limits.rate_per_minute;
        Self {
            run,
            frozen,
            counts,
            memory: stored(&run.breaker),
            looks: stored(&run.looks),
            tokens: rate::refilled(rate, run.tokens, run.refilled_at.map(|at| run.now - at)),
            sampled: run.sampled_at.is_some(),
            winner: run.winner,
            why: None,
            decided_at: run.decided_at,
            moved: false,
        }
    }

    fn definition(&self) -> &'r Definition {
        &self.frozen.definition
    }

    /// Why the run is to be paused, if it is: where nothing is open any more there is nothing to hold back.
    fn trips(&mut self) -> Option<&'static str> {
        let threshold = self.definition().limits.breaker?.threshold();
        let trips = threshold.look(&mut self.memory, self.counts.tried()).trips;
        (trips && self.counts.open() > 0).then_some("breaker")
    }

    /// Why nothing can be sent, if it cannot.
    fn cannot(&self, ground: &Ground) -> Option<&'static str> {
        let carried = |way: &CampaignChannel| ground.carries(way.provider_id, way.channel);
        let all = self.definition().content.channels.iter().all(carried);
        (!all).then_some("no_provider")
    }

    /// How many messages may be made now, if none has more than one part; none says why if that is for people to change.
    fn room(&self) -> u32 {
        let under_way = self.counts.at(RecipientStatus::Queued);
        let mut room = if WINDOW - under_way < PAGE.into() { 0 } else { PAGE };
        if self.definition().limits.rate_per_minute.is_some() {
            room = room.min(rate::whole(self.tokens));
        }
        self.counts.budget(self.frozen).releases(self.dearest(), room)
    }

    /// What a part of a message costs by the dearest of the channels.
    fn dearest(&self) -> Micros {
        let prices = self.definition().content.channels.iter().map(CampaignChannel::price);
        prices.max().unwrap_or_default()
    }

    /// Whether somebody waits for whom nothing is left, also when all that is under way has come back.
    fn is_spent(&self) -> bool {
        let budget = self.counts.budget(self.frozen);
        self.counts.at(RecipientStatus::Planned) > 0
            && budget.reserved == Micros::ZERO
            && budget.releases(self.dearest(), 1) == 0
    }

    /// The recipients whose time has come: the first wave, and the second once it is known what it gets.
    async fn due(&self, tx: &mut TenantTx, room: u32) -> Result<Vec<DueRow>> {
        if room == 0 {
            return Ok(Vec::new());
        }
        let (tenant, id) = (tx.tenant, self.run.id);
        let mut rows = store::lock_due(tx.conn(), tenant, id, 0, room.into()).await?;
        if rows.is_empty() && self.winner.is_some() {
            rows = store::lock_due(tx.conn(), tenant, id, 1, room.into()).await?;
        }
        Ok(rows)
    }

    /// Whether the next turn would go on from something else than this one did.
    fn has_changed(&self) -> bool {
        let run = self.run;
        let (memory, looks): (Memory, Looks) = (stored(&run.breaker), stored(&run.looks));
        self.moved
            || self.memory != memory
            || self.looks != looks
            || self.winner != run.winner
            || self.sampled != run.sampled_at.is_some()
    }

    /// Leaves what the next turn goes on from, and tells people how far it is; nothing is written if there is nothing new.
    async fn leave(&self, tx: &mut TenantTx) -> Result<()> {
        let done = self.counts.all() - self.counts.open();
        let tells =
            done != self.run.told && self.run.told_at.is_none_or(|at| self.run.now - at >= TELL_EVERY);
        if !tells && !self.has_changed() {
            return Ok(());
        }
        if tells {
            let body = json!({
                "run_id": self.run.id, "recipients": self.counts.all(), "open": self.counts.open(),
                "statuses": self.counts.statuses(),
            });
            let told = Event::new(EventType::CampaignProgress, "campaign", self.run.campaign_id).with(body);
            tx.emit(&[told]).await?;
        }
        let (breaker, looks) = (kept(&self.memory)?, kept(&self.looks)?);
        let left = Left {
            tokens: self.tokens,
            refilled_at: self.run.now,
            breaker: &breaker,
            looks: &looks,
            sampled: self.sampled,
            winner: self.winner,
            winner_why: self.why.as_ref(),
            told: tells.then_some(done),
        };
        let (tenant, id) = (tx.tenant, self.run.id);
        store::leave(tx.conn(), tenant, id, &left).await
    }
}
