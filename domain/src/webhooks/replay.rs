//! Sending a part of the log to an endpoint again, done by a job, a page a transaction. An event that has a delivery is
//! sent under its id again, one that waits is left alone, and one that has none gets one.

use std::time::Duration;

use chrono::{DateTime, Utc};
use engine::{JobKind, NewJob, finish::Claim, jobs, log};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    BATCH, MOST_WAITING, enqueue, store,
    tail::found,
    view::{Point, WebhookReplay},
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::WebhookId,
};

/// The job that replays. How far it is commits with each page, so it may be cut off at any moment.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReplayWebhook {
    webhook: WebhookId,
    /// Places of the log behind this one, up to and with the other.
    after: i64,
    until: i64,
    /// Of these only what happened from this instant on, and before the other.
    from_at: Option<DateTime<Utc>>,
    before_at: Option<DateTime<Utc>>,
}

impl JobKind for ReplayWebhook {
    const KIND: &'static str = "replay_webhook";
    const QUEUE: &'static str = "operations";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever asked for it waits on the socket.
    const WATCHED: bool = true;
}

/// Asks for a replay of what an endpoint was told, or would have been. Answers the operation.
///
/// # Errors
/// If there is no such endpoint, it is disabled, or the log does not go back so far.
pub async fn ask(ctx: &Ctx, webhook: WebhookId, asked: WebhookReplay) -> Result<Once<Uuid>> {
    ctx.require(Permission::WebhooksWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    if store::endpoints(tx.conn(), ctx.tenant, Some(webhook), None, 1).await?.is_empty() {
        return Err(Error::NotFound("webhook"));
    }
    let Some(reading) = store::reading(tx.conn(), ctx.tenant, webhook).await? else {
        let detail = "the webhook is told nothing at present; enable it first";
        return Err(Error::conflict("webhook-disabled", detail));
    };
    let mut job = ReplayWebhook {
        webhook,
        after: 0,
        // What comes behind it will be told anyway.
        until: reading.from_sequence,
        from_at: None,
        before_at: None,
    };
    begin_at(tx, &mut job, asked.since).await?;
    match asked.until {
        None => {}
        Some(Point::Sequence(last)) => job.until = job.until.min(last),
        Some(Point::Time(at)) => job.before_at = Some(instant(at, "/until")?),
    }
    let detail =
        json!({ "after": job.after, "until": job.until, "from": job.from_at, "before": job.before_at });
    let new = NewJob::of(ctx.tenant.0, ctx.id(), &job).map_err(Error::internal)?;
    let id = new.id;
    tx.enqueue(&[new.about(format!("webhook:{webhook}"))]).await?;
    let detail = json!({ "operation": id, "events": detail });
    tx.audit(&[Entry::new("replay", "webhook", webhook).detail(detail)]).await?;
    keyed.commit(id, 202, format!("/api/v1/operations/{id}")).await
}

async fn begin_at(tx: &mut TenantTx, job: &mut ReplayWebhook, since: Point) -> Result<()> {
    let tenant = tx.tenant.0;
    match since {
        Point::Sequence(after) => {
            let (oldest, _) = log::ends(tx.conn(), tenant).await?;
            if after < 0 {
                return Err(Error::invalid("/since", "a sequence is 0, for all there is, or more"));
            }
            // Of a log that begins anew 0 means from the beginning.
            if after > 0 && after < oldest - 1 {
                let detail = format!("the log goes back to {oldest}; name {} or more, or 0", oldest - 1);
                return Err(Error::invalid("/since", detail));
            }
            job.after = after;
        }
        Point::Time(at) => {
            let at = instant(at, "/since")?;
            let first = log::first_since(tx.conn(), tenant, at.date_naive()).await?;
            job.after = first.map_or(job.until, |first| first - 1);
            job.from_at = Some(at);
        }
    }
    Ok(())
}

fn instant(at: DateTime<Utc>, pointer: &str) -> Result<DateTime<Utc>> {
    Moment::try_from(at).map(Moment::utc).map_err(|why| Error::invalid(pointer, why.to_string()))
}

/// How far a replay is. Its note tells people, and itself when it is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    replayed: usize,
    /// The last place that was looked at.
    place: i64,
}

impl Reached {
    /// Where a job goes on that left this note, or where it begins.
    #[must_use]
    pub fn resumed(note: Option<&str>, job: &ReplayWebhook) -> Self {
        note.and_then(Self::read).unwrap_or(Self { replayed: 0, place: job.after })
    }

    fn note(self) -> String {
        format!("{} events, up to {}", self.replayed, self.place)
    }

    fn read(note: &str) -> Option<Self> {
        let (replayed, place) = note.split_once(" events, up to ")?;
        Some(Self { replayed: replayed.parse().ok()?, place: place.parse().ok()? })
    }

    /// The share of what there is to look at, 0 to 1.
    fn share(self, job: &ReplayWebhook) -> f32 {
        let (done, all) = (self.place - job.after, (job.until - job.after).max(1));
        #[expect(clippy::cast_precision_loss, reason = "a share for people to look at")]
        let share = done as f32 / all as f32;
        share.clamp(0.0, 1.0)
    }

    /// What the job came to.
    #[must_use]
    pub fn output(self) -> Value {
        json!({ "replayed": self.replayed, "until": self.place })
    }
}

/// What became of a page.
pub enum Page {
    Done(Reached),
    /// There was none.
    Over,
    /// So much waits for the endpoint that nothing more is added until some of it has ended.
    Full,
    /// The endpoint is told nothing any more.
    Gone,
    /// Another node runs the job by now, so nothing of the page was written.
    Lost,
}

/// Replays the next page.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, claim: &Claim, job: &ReplayWebhook, reached: Reached) -> Result<Page> {
    if reached.place >= job.until {
        return Ok(Page::Over);
    }
    let mut tx = ctx.begin().await?;
    let Some(reading) = store::reading(tx.conn(), ctx.tenant, job.webhook).await? else {
        return Ok(Page::Gone);
    };
    if store::waiting(tx.conn(), ctx.tenant, job.webhook, MOST_WAITING).await? >= MOST_WAITING {
        return Ok(Page::Full);
    }
    let entries = log::replay(tx.conn(), ctx.tenant.0, reached.place, BATCH).await?;
    let Some(place) = entries.last().map(|last| last.seq.min(job.until)) else { return Ok(Page::Over) };
    let asked_for = entries.iter().filter(|entry| {
        entry.seq <= job.until
            && job.from_at.is_none_or(|from| entry.at >= from)
            && job.before_at.is_none_or(|before| entry.at < before)
    });
    let new = found(ctx, &reading.types, asked_for);
    let put = store::replay_deliveries(tx.conn(), ctx.tenant, job.webhook, &new).await?;
    enqueue(&mut tx, job.webhook, &put).await?;
    let reached = Reached { replayed: reached.replayed + put.len(), place };
    if !jobs::report_progress(tx.conn(), claim, reached.share(job), &reached.note()).await? {
        return Ok(Page::Lost);
    }
    tx.commit().await?;
    Ok(Page::Done(reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let job = ReplayWebhook {
            webhook: WebhookId(Uuid::nil()),
            after: 100,
            until: 300,
            from_at: None,
            before_at: None,
        };
        let begun = Reached::resumed(None, &job);
        assert_eq!(begun, Reached { replayed: 0, place: 100 });
        let reached = Reached { replayed: 7, place: 200 };
        assert_eq!(Reached::resumed(Some(&reached.note()), &job), reached, "{}", reached.note());
        assert_eq!(Reached::resumed(Some("looked once"), &job), begun);
        for (reached, share) in [(begun, 0.0), (reached, 0.5), (Reached { place: 300, ..reached }, 1.0)] {
            assert!((reached.share(&job) - share).abs() < 1e-6, "{reached:?}");
        }
    }
}
