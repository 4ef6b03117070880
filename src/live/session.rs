//! One socket: replay what was missed, then live. Nothing is told twice and nothing is left out.

use std::{sync::Arc, time::Duration};

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use chrono::{DateTime, Utc};
use domain::{
    Ctx,
    access::gate::{Gate, Hold},
    events::EventType,
};
use engine::log::{self, Entry};
use futures::{SinkExt, StreamExt, stream::SplitSink};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    frames::{self, ClientFrame, Interest},
    hub::{Hub, Listener},
    presence,
};

const PAGE: i64 = 500;
const PING_EVERY: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_mins(1);
/// How long one write may wait for a slow peer.
const PATIENCE: Duration = Duration::from_secs(10);
const POSITION_EVERY: Duration = Duration::from_secs(1);

const STOPPING: &str = "the server restarts; come back with since";
const CHANGED: &str = "what you may do has changed; come back with a new ticket and since";

/// Why a session ended, and what the peer is told.
enum End {
    /// The peer is gone or does not take what is sent.
    Gone,
    Close(u16, &'static str),
}

struct Session {
    ctx: Ctx,
    out: SplitSink<WebSocket, Message>,
    stop: CancellationToken,
    interest: Interest,
    /// The newest entry when it was opened: what was said of the peer's rights before then is known.
    opened_at: i64,
    /// When the API key or the session that it was opened with expires.
    until: Option<DateTime<Utc>>,
    /// The last entry that was looked at.
    seen: i64,
    /// The last sequence the peer knows of.
    told: i64,
}

/// Serves a socket until either side ends it.
pub async fn serve(ctx: Ctx, gate: Gate, hub: Hub, socket: WebSocket, since: Option<i64>) {
    let (out, mut inbox) = socket.split();
    let interest = Interest::everything(ctx.grants, ctx.rows);
    let stop = hub.stop.clone();
    let mut session = Session { ctx, out, stop, interest, opened_at: 0, until: None, seen: 0, told: 0 };
    let counted = presence::arrive(&session.ctx, &hub).await;
    let end = match session.catch_up(&gate, &hub, since).await {
        Ok(entries) => session.live(&gate, &hub, entries, &mut inbox).await,
        Err(end) => end,
    };
    if let End::Close(code, reason) = end {
        let close = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        // The peer may be gone already; then there is nobody to tell.
        let _ = timeout(PATIENCE, session.out.send(close)).await;
    }
    if counted {
        presence::depart(&session.ctx, &hub).await;
    }
}

impl Session {
    /// Comes to the present: everything after `since` is told, and what comes next will be in the queue.
    async fn catch_up(&mut self, gate: &Gate, hub: &Hub, since: Option<i64>) -> Result<Listener, End> {
        let tenant = self.ctx.tenant.0;
        let early = hub.register(tenant);
        let (oldest, newest) = self.ends().await?;
        self.opened_at = newest;
        // Read after the end of the log, so that a change is found either here or there.
        self.check_rights(gate).await?;
        let Some(since) = since else {
            self.seen = newest;
            self.position().await?;
            return Ok(early);
        };
        drop(early);
        if since > newest || since + 1 < oldest {
            let entries = hub.register(tenant);
            (self.seen, self.told) = (newest, newest);
            self.text(frames::resync(newest)).await?;
            return Ok(entries);
        }
        (self.seen, self.told) = (since, since);
        self.replay().await?;
        let entries = hub.register(tenant);
        self.replay().await?;
        self.position().await?;
        Ok(entries)
    }

    /// Whether the peer may go on, and until when.
    async fn check_rights(&mut self, gate: &Gate) -> Result<(), End> {
        self.until = match gate.still_holds(&self.ctx).await.map_err(|error| failed(&error))? {
            Hold::On => None,
            Hold::Until(end) => Some(end),
            Hold::Over => return Err(End::Close(close_code::POLICY, CHANGED)),
        };
        Ok(())
    }

    async fn live(
        &mut self,
        gate: &Gate,
        hub: &Hub,
        mut entries: Listener,
        inbox: &mut (impl StreamExt<Item = Result<Message, axum::Error>> + Unpin),
    ) -> End {
        let mut ping = interval(PING_EVERY);
        let mut position = interval(POSITION_EVERY);
        for ticks in [&mut ping, &mut position] {
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        }
        let mut heard = Instant::now();
        let mut batch = Vec::new();
        loop {
            let done = tokio::select! {
                () = hub.stop.cancelled() => Err(End::Close(close_code::AWAY, STOPPING)),
                got = entries.recv(&mut batch, 256) => {
                    if got {
                        self.tell(&mut batch, &entries).await
                    } else {
                        Err(End::Close(close_code::AWAY, STOPPING))
                    }
                }
                frame = inbox.next() => match frame {
                    Some(Ok(frame)) => {
                        heard = Instant::now();
                        self.hear(frame).await
                    }
                    Some(Err(_)) | None => Err(End::Gone),
                },
                _ = ping.tick() => {
                    if heard.elapsed() > IDLE {
                        Err(End::Close(close_code::POLICY, "no sign of life for a minute"))
                    } else {
                        self.send(Message::Ping(axum::body::Bytes::new())).await
                    }
                }
                _ = position.tick() => if self.until.is_some_and(|end| end <= self.ctx.now()) {
                    // A session may have been refreshed by now.
                    self.check_rights(gate).await
                } else if self.seen > self.told { self.position().await } else { Ok(()) },
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Tells queued entries; a gap means the hub missed some, and the log has them.
    async fn tell(&mut self, batch: &mut Vec<Arc<Entry>>, entries: &Listener) -> Result<(), End> {
        for entry in batch.drain(..) {
            if entry.seq > self.seen + 1 {
                self.replay().await?;
            }
            if entry.seq == self.seen + 1 {
                self.look(&entry).await?;
            }
        }
        // The queue was full then, so more of it follows and this is asked again.
        if entries.take_missed() {
            self.replay().await?;
        }
        timeout(PATIENCE, self.out.flush()).await.map_err(|_| End::Gone)?.map_err(|_| End::Gone)
    }

    /// Tells everything the log has after what was seen.
    async fn replay(&mut self) -> Result<(), End> {
        loop {
            if self.stop.is_cancelled() {
                return Err(End::Close(close_code::AWAY, STOPPING));
            }
            let page = self.page().await.map_err(|error| failed(&error))?;
            let full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for entry in &page {
                self.look(entry).await?;
            }
            if !full {
                return Ok(());
            }
        }
    }

    async fn page(&self) -> domain::Result<Vec<Entry>> {
        let mut tx = self.ctx.begin().await?;
        Ok(log::replay(tx.conn(), self.ctx.tenant.0, self.seen, PAGE).await?)
    }

    async fn ends(&self) -> Result<(i64, i64), End> {
        let read = async {
            let mut tx = self.ctx.begin().await?;
            domain::Result::Ok(log::ends(tx.conn(), self.ctx.tenant.0).await?)
        };
        read.await.map_err(|error| failed(&error))
    }

    async fn look(&mut self, entry: &Entry) -> Result<(), End> {
        if entry.seq > self.opened_at
            && entry.kind == EventType::AccessChanged.as_str()
            && (entry.subject == self.ctx.actor.subject()
                || entry.subject == format!("tenant:{}", self.ctx.tenant))
        {
            return Err(End::Close(close_code::POLICY, CHANGED));
        }
        if self.interest.wants(entry) {
            let frame = Message::text(frames::event(entry));
            timeout(PATIENCE, self.out.feed(frame)).await.map_err(|_| End::Gone)?.map_err(|_| End::Gone)?;
            self.told = entry.seq;
        }
        self.seen = entry.seq;
        Ok(())
    }

    async fn hear(&mut self, frame: Message) -> Result<(), End> {
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(End::Close(close_code::UNSUPPORTED, "frames are JSON text")),
            Message::Close(_) => return Err(End::Gone),
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        match serde_json::from_str(&text) {
            Ok(ClientFrame::Subscribe { types, resources }) => {
                self.interest.narrow(types, resources);
                self.position().await
            }
            Ok(ClientFrame::Ping) => self.text(frames::pong()).await,
            Err(error) => self.text(frames::error(&error.to_string())).await,
        }
    }

    async fn position(&mut self) -> Result<(), End> {
        self.told = self.seen;
        self.text(frames::position(self.seen)).await
    }

    async fn text(&mut self, text: String) -> Result<(), End> {
        self.send(Message::text(text)).await
    }

    async fn send(&mut self, message: Message) -> Result<(), End> {
        timeout(PATIENCE, self.out.send(message)).await.map_err(|_| End::Gone)?.map_err(|_| End::Gone)
    }
}

fn failed(error: &domain::Error) -> End {
    tracing::warn!(%error, "a socket's events could not be read");
    End::Close(close_code::ERROR, "the events could not be read; come back with since")
}
