//! What is done of one tenant. Nothing works meanwhile; schedules may fall due, and sleeps end, which is as good as that they
//! are due.

use serde_json::json;
use uuid::Uuid;

use super::{PAGE, Recovered, store};
use crate::{
    Ctx,
    audit::Entry,
    campaigns::steer,
    ctx::Platform,
    error::Result,
    messages::{of_run, restored},
    privacy::{
        erasure::{begin, certificate, keys, rows, stop},
        tombstones::{self, Tombstone},
    },
    sequences,
    types::{CampaignId, SequenceId, TenantId},
};

/// Why something is held, as its record says.
const RESTORED: &str = "restored";

pub(super) async fn recover(platform: &Platform, tenant: TenantId, done: &mut Recovered) -> Result<()> {
    let ctx = &Ctx::itself(platform, tenant);
    done.tenants += 1;
    // Whoever is forgotten again first gets nothing of what follows.
    let found = tombstones::all(platform, tenant).await?;
    done.tombstones += found.good.len();
    done.unreadable.extend(found.unreadable.iter().map(|name| format!("{tenant}: {name}")));
    for stone in &found.good {
        done.erased += usize::from(forget_again(ctx, stone).await?);
    }
    // Before runs are cancelled: their messages that may have been sent are to be unknown, and not cancelled.
    loop {
        let settled = restored::settle(ctx, PAGE).await?;
        done.unknown += settled;
        if settled == 0 {
            break;
        }
    }
    campaigns(ctx, done).await?;
    series(ctx, done).await
}

/// Carries an erasure out again that the database does not know of any more. All of it at once: nothing else works.
///
/// # Errors
/// If the database or storage refuses; then it goes on where it was when it is called again.
pub async fn forget_again(ctx: &Ctx, stone: &Tombstone) -> Result<bool> {
    if !begin::again(ctx, stone).await? {
        return Ok(false);
    }
    loop {
        while stop::stop(ctx, stone.erasure).await? == stop::Stopped::Some {}
        keys::destroy(ctx, stone.erasure).await?;
        while rows::page(ctx, stone.erasure).await? {}
        if certificate::certify(ctx, stone.erasure).await? == certificate::Certified::Yes {
            return Ok(true);
        }
    }
}

/// Pauses campaigns that go on, and those that may have begun since.
async fn campaigns(ctx: &Ctx, done: &mut Recovered) -> Result<()> {
    let mut after = CampaignId(Uuid::nil());
    loop {
        let mut tx = ctx.begin().await?;
        let page = store::campaigns(tx.conn(), ctx.tenant, after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        for id in page {
            let paused = Box::pin(steer::pause_for(ctx, id, RESTORED)).await.map(drop);
            done.note(ctx.tenant, "campaign", id.0, paused);
        }
    }
}

/// Pauses all sequences that take steps.
async fn series(ctx: &Ctx, done: &mut Recovered) -> Result<()> {
    let mut after = SequenceId(Uuid::nil());
    loop {
        let mut tx = ctx.begin().await?;
        let page = store::sequences(tx.conn(), ctx.tenant, after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        for id in page {
            let paused = sequences::publish::stop(ctx, id, RESTORED).await;
            done.note(ctx.tenant, "sequence", id.0, paused);
        }
    }
}

/// Cancels runs of workflows that may have written to somebody since and would again.
pub(super) async fn runs(platform: &Platform, tenant: TenantId, done: &mut Recovered) -> Result<()> {
    let ctx = &Ctx::itself(platform, tenant);
    let mut after = Uuid::nil();
    loop {
        let mut tx = ctx.begin().await?;
        let page = store::writing_runs(tx.conn(), ctx.tenant, after, PAGE).await?;
        for run in &page {
            tx.cancel_run(*run).await?;
            of_run::run_stops(&mut tx, *run).await?;
        }
        let entry = |run: &Uuid| Entry::new("cancel", "workflow", *run).detail(json!({ "code": RESTORED }));
        tx.audit(&page.iter().map(entry).collect::<Vec<_>>()).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = *last;
        done.stopped += page.len();
        for run in page {
            while ctx.platform.engine.wind_down(ctx.tenant.0, run).await? {}
        }
    }
}

impl Recovered {
    /// One that cannot be paused keeps the others from nothing, but work does not go on by itself then.
    fn note(&mut self, tenant: TenantId, what: &str, id: Uuid, paused: Result<()>) {
        match paused {
            Ok(()) => self.paused.push(format!("{tenant}: {what} {id}")),
            Err(why) => self.left.push(format!("{tenant}: {what} {id}: {why}")),
        }
    }
}
