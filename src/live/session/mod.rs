//! One socket: replay what was missed, then live. Nothing is told twice and nothing is left out.
//!
//! What comes live is in the queue already filtered. One that falls behind has the hub leave entries out (`rest`), tells what
//! is in its queue, has the hub go on, and reads what was left out from the log (`replay`): so memory holds a queue and no more.
//! What the peer says meanwhile is in `hear`.

mod hear;
mod replay;

use std::{convert::Infallible, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::gate::{Gate, Hold},
};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::{frames, hub::Hub, interest::Interest, listener::Listener, presence, room::Audience, seat::Item};

/// Entries told in one go: so many wait beside a queue that is full.
pub(super) const BATCH: usize = 128;
/// How long a goodbye may take; one to a slow peer has the patience of a write.
const GOODBYE: Duration = Duration::from_secs(1);

const STOPPING: End = End::Close(close_code::AWAY, "the server restarts; come back with since");
const CHANGED: End =
    End::Close(close_code::POLICY, "what you may do has changed; come back with a new ticket and since");
const SLOW: End = End::Close(close_code::AGAIN, "you read too slowly; come back with since");
const SILENT: End =
    End::Close(close_code::POLICY, "nothing was heard of you for too long; come back with since");
const UNREAD: End = End::Close(close_code::ERROR, "the events could not be read; come back with since");

/// Why a session ended, and what the peer is told.
#[derive(Debug, Clone, Copy)]
enum End {
    Gone,
    Close(u16, &'static str),
}

/// What a socket was opened for.
#[derive(Debug)]
pub struct Asked {
    /// The last sequence that the client has seen.
    pub since: Option<i64>,
    pub interest: Interest,
}

struct Session {
    ctx: Ctx,
    gate: Gate,
    hub: Hub,
    listener: Listener,
    out: SplitSink<WebSocket, Message>,
    interest: Interest,
    subject: String,
    /// When the API key or the session that it was opened with expires.
    until: Option<DateTime<Utc>>,
    /// The last entry that was looked at.
    seen: i64,
    /// The last sequence the peer knows of.
    told: i64,
    /// When it was told that.
    told_at: Instant,
    /// Since when it has not come to the present.
    behind: Option<Instant>,
    /// The second in which the peer spoke last, and how often.
    spoke: (Instant, u32),
}

/// Serves a socket until either side ends it.
pub async fn serve(
    ctx: Ctx,
    gate: Gate,
    hub: Hub,
    place: OwnedSemaphorePermit,
    socket: WebSocket,
    asked: Asked,
) {
    let (out, mut inbox) = socket.split();
    let (subject, interest) = (ctx.actor.subject(), asked.interest);
    let audience = Audience { grants: ctx.grants, rows: ctx.rows };
    let listener = hub.register(ctx.tenant.0, audience, subject.clone(), interest.clone());
    let (shared, stop) = (listener.shared.clone(), hub.stop.clone());
    let counted = presence::arrive(&ctx, &hub).await;
    let (told_at, spoke) = (Instant::now(), (Instant::now(), 0));
    let (until, seen, told, behind) = (None, 0, 0, None);
    let mut session = Session {
        ctx,
        gate,
        hub,
        listener,
        out,
        interest,
        subject,
        until,
        seen,
        told,
        told_at,
        behind,
        spoke,
    };
    // Also while the peer takes nothing of what is being written.
    let end = tokio::select! {
        biased;
        () = shared.revoked() => CHANGED,
        () = stop.cancelled() => STOPPING,
        Err(end) = session.run(&mut inbox, asked.since) => end,
    };
    let Session { ctx, hub, listener, mut out, .. } = session;
    let is_slow = matches!(end, End::Close(close_code::AGAIN, _));
    if is_slow {
        listener.was_slow();
    }
    drop(listener);
    let patience = if is_slow { hub.settings.patience } else { GOODBYE };
    // The peer may be gone already; then there is nobody to tell.
    let _ = match end {
        End::Close(code, reason) => {
            let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            let said = timeout(patience, out.send(close)).await;
            hear_out(&mut inbox).await;
            said
        }
        // One that said goodbye is answered.
        End::Gone => timeout(patience, out.flush()).await,
    };
    drop((out, inbox, place));
    if counted {
        presence::depart(&ctx, &hub).await;
    }
}

/// Reads what a peer still says after the goodbye, until it has answered it: with bytes left unread the connection would be
/// reset, and the peer's system would throw the goodbye away (RFC 6455 section 7.1.1).
async fn hear_out(inbox: &mut SplitStream<WebSocket>) {
    let answered = async { while let Some(Ok(_)) = inbox.next().await {} };
    // Whoever does not answer has had their time.
    let _ = timeout(GOODBYE, answered).await;
}

impl Session {
    async fn run(
        &mut self,
        inbox: &mut SplitStream<WebSocket>,
        since: Option<i64>,
    ) -> Result<Infallible, End> {
        self.catch_up(since).await?;
        self.name_unknown().await?;
        self.live(inbox).await
    }

    /// Whether the peer may go on, and until when.
    async fn check_rights(&mut self) -> Result<(), End> {
        self.until = match self.gate.still_holds(&self.ctx).await.map_err(|error| failed(&error))? {
            Hold::On => None,
            Hold::Until(end) => Some(end),
            Hold::Over => return Err(CHANGED),
        };
        self.listener.shared.ends(self.until);
        Ok(())
    }

    async fn live(&mut self, inbox: &mut SplitStream<WebSocket>) -> Result<Infallible, End> {
        let (mut heard, mut ping) = (Instant::now(), interval(self.hub.settings.ping_every));
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            // What the peer has said comes first: it may have waited while the log was read.
            tokio::select! {
                biased;
                frame = inbox.next() => {
                    heard = Instant::now();
                    self.hear(frame).await?;
                }
                _ = ping.tick() => {
                    if heard.elapsed() > self.hub.settings.idle {
                        return Err(SILENT);
                    }
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
                got = self.listener.recv(&mut batch, BATCH) => {
                    if !got {
                        return Err(STOPPING);
                    }
                    self.tell(&mut batch).await?;
                    // What one burst needs is not kept for ever.
                    batch = Vec::new();
                }
            }
        }
    }

    /// Tells what was in the queue, and what was left out of it.
    async fn tell(&mut self, batch: &mut Vec<Item>) -> Result<(), End> {
        let mut looks = false;
        for item in batch.drain(..) {
            looks |= self.take(item).await?;
        }
        if looks {
            let passed = self.listener.passed();
            self.drain().await?;
            // Where something was left out, it may have been before that.
            if !self.listener.shared.is_resting() {
                self.seen = self.seen.max(passed);
            }
        }
        if self.listener.shared.is_resting() {
            self.behind.get_or_insert_with(Instant::now);
            self.settle().await?;
        }
        if !self.listener.shared.is_resting() {
            self.behind = None;
        }
        if looks {
            self.check_expiry().await?;
            if self.seen > self.told {
                self.position().await?;
            }
        }
        self.flush().await
    }

    /// Whether rights that end by themselves have not.
    async fn check_expiry(&mut self) -> Result<(), End> {
        if self.until.is_some_and(|end| end <= self.ctx.now()) {
            // A session may have been refreshed by now.
            self.check_rights().await?;
        }
        Ok(())
    }

    /// Whether it is time to look around; events are told.
    async fn take(&mut self, item: Item) -> Result<bool, End> {
        let Item::Event(told) = item else { return Ok(true) };
        if told.seq > self.seen {
            self.seen = told.seq;
            if self.interest.wants(&told.kind, &told.subject) {
                self.say(told.frame(), told.seq).await?;
            }
        }
        Ok(false)
    }

    /// Tells what is in the queue at this moment.
    async fn drain(&mut self) -> Result<(), End> {
        while let Some(item) = self.listener.try_recv() {
            self.take(item).await?;
        }
        Ok(())
    }

    /// Tells an event; [`Self::flush`] sees to it that it leaves.
    async fn say(&mut self, event: Message, seq: i64) -> Result<(), End> {
        in_time(self.hub.settings.patience, self.out.feed(event)).await?;
        self.listener.sent(1);
        self.knows(seq);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), End> {
        in_time(self.hub.settings.patience, self.out.flush()).await
    }

    async fn position(&mut self) -> Result<(), End> {
        self.knows(self.seen);
        self.text(frames::position(self.seen)).await
    }

    async fn resync(&mut self, sequence: i64) -> Result<(), End> {
        self.seen = sequence;
        self.knows(sequence);
        self.text(frames::resync(sequence)).await
    }

    fn knows(&mut self, seq: i64) {
        (self.told, self.told_at) = (seq, Instant::now());
        self.listener.shared.told(seq);
    }

    async fn text(&mut self, text: String) -> Result<(), End> {
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        in_time(self.hub.settings.patience, self.out.send(message)).await
    }
}

/// Waits for a write as long as there is patience.
async fn in_time(
    patience: Duration,
    write: impl Future<Output = Result<(), axum::Error>>,
) -> Result<(), End> {
    match timeout(patience, write).await {
        Ok(written) => written.map_err(|_| End::Gone),
        Err(_) => Err(SLOW),
    }
}

fn failed(error: &domain::Error) -> End {
    tracing::warn!(%error, "a socket's events could not be read");
    UNREAD
}
