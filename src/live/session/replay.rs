//! What a socket has missed, read from the log.

use axum::extract::ws::Message;
use domain::events::{Hearers, envelope};
use engine::log::{self, Entry};
use tokio::time::Instant;

use super::{CHANGED, End, SLOW, Session, failed};
use crate::live::room::changes_rights;

/// Entries read from the log at a time: they stay in memory while a peer takes nothing.
const PAGE: i64 = 200;

impl Session {
    /// Comes to the present: everything after `since` is told, and what comes next will be in the queue.
    pub(super) async fn catch_up(&mut self, since: Option<i64>) -> Result<(), End> {
        let (oldest, newest) = self.begin().await?;
        match since {
            None => self.seen = newest,
            Some(since) if since == newest => self.seen = newest,
            Some(since) if since > newest || oldest == 0 || since + 1 < oldest => {
                return self.resync(newest).await;
            }
            Some(since) => {
                self.seen = since;
                self.knows(since);
                // It may take long: nothing need wait in memory meanwhile.
                self.listener.shared.rest();
                self.replay().await?;
                self.settle().await?;
            }
        }
        self.position().await
    }

    /// Where the log begins and ends for a peer who may come in. Of many who come at once each waits for its turn, so that
    /// all else that asks the database does not wait behind them.
    async fn begin(&mut self) -> Result<(i64, i64), End> {
        let readers = self.hub.readers.clone();
        let _reader = readers.acquire().await;
        let (oldest, newest) = self.ends().await?;
        self.listener.shared.opened(newest);
        // Read after the end of the log, so that a change is found either here or there.
        self.check_rights().await?;
        Ok((oldest, newest))
    }

    /// Comes back from the log to the queue: what is in there comes before what was left out of it.
    pub(super) async fn settle(&mut self) -> Result<(), End> {
        self.drain().await?;
        self.listener.shared.go_on();
        self.replay().await
    }

    /// Tells everything the log has after what was seen.
    async fn replay(&mut self) -> Result<(), End> {
        loop {
            if self.behind.is_some_and(|since| since.elapsed() > self.hub.settings.behind) {
                return Err(SLOW);
            }
            let asked = Instant::now();
            let page = self.page().await.map_err(|error| failed(&error))?;
            // What the log takes is not the peer's to answer for.
            self.behind = self.behind.map(|since| since + asked.elapsed());
            let is_full = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
            for entry in &page {
                if entry.seq != self.seen + 1 {
                    // The log was dropped meanwhile.
                    self.resync(entry.seq - 1).await?;
                }
                self.seen = entry.seq;
                if changes_rights(entry).is_some_and(|concerns| concerns(&self.subject))
                    && self.listener.shared.is_after_opening(entry.seq)
                {
                    return Err(CHANGED);
                }
                if self.interest.wants(&entry.kind, &entry.subject)
                    && Hearers::of(&entry.kind, &entry.body).include(self.ctx.grants, self.ctx.rows)
                {
                    self.say(Message::text(envelope::of_entry(entry)), entry.seq).await?;
                }
            }
            self.flush().await?;
            if !is_full {
                return Ok(());
            }
            // There may be much of it, and a peer that takes its time or is told nothing.
            self.check_expiry().await?;
            if self.seen > self.told && self.told_at.elapsed() > self.hub.settings.look_every {
                self.position().await?;
            }
        }
    }

    async fn page(&self) -> domain::Result<Vec<Entry>> {
        let _reader = self.hub.readers.acquire().await;
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
}
