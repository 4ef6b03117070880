//! The steps of `erase_subject`; see [`domain::privacy::erasure`]. Whatever a step has done it does not find again, so each
//! goes on where it was cut off.

use std::time::Duration;

use domain::{
    Result,
    privacy::erasure::{
        begin::{self, Begun},
        certificate::{self, Certified},
        keys,
        providers::{self, Told},
        rows,
        stop::{self, Stopped},
        work::{BeginErasure, CertifyErasure, DestroyKeys, EraseRows, StopForSubject, TellProviders},
    },
    types::ErasureId,
};
use engine::Outcome;
use serde_json::json;

use super::PAUSE;
use crate::registry::Run;

/// How soon it is looked again at what is under way.
const SOON: Duration = Duration::from_secs(5);
/// So often a provider is asked that does not answer, for some days.
const ASKED: i16 = 60;
/// How long it is left alone after that.
const LATER: Duration = Duration::from_hours(1);

/// Begins, or waits for a hold.
///
/// # Errors
/// If the database refuses.
pub async fn begin(run: Run, job: BeginErasure) -> Result<Outcome> {
    Ok(match begin::begin(&run.ctx, job.erasure, Some(&run.claim)).await? {
        Begun::Yes => Outcome::Done(json!({})),
        Begun::Held => Outcome::Settled,
        Begun::Over => Outcome::Cancel,
    })
}

/// Stops what was to be done, and waits for what is under way.
///
/// # Errors
/// If the database refuses.
pub async fn stop(run: Run, job: StopForSubject) -> Result<Outcome> {
    loop {
        match stop::stop(&run.ctx, job.erasure).await? {
            Stopped::All => return Ok(Outcome::Done(json!({}))),
            Stopped::Waits => return Ok(Outcome::Snooze { after: SOON }),
            Stopped::Some if run.is_to_stop() => return Ok(Outcome::Snooze { after: PAUSE }),
            Stopped::Some => {}
        }
    }
}

/// Tells providers.
///
/// # Errors
/// If the database refuses.
pub async fn tell(run: Run, job: TellProviders) -> Result<Outcome> {
    let give_up = run.claim.attempt >= ASKED;
    loop {
        match providers::tell(&run.ctx, job.erasure, give_up).await? {
            Told::All => return Ok(Outcome::Done(json!({}))),
            Told::Later(why) => {
                return Ok(Outcome::Retry { after: Some(LATER), code: "provider_later", why });
            }
            Told::Some if run.is_to_stop() => return Ok(Outcome::Snooze { after: PAUSE }),
            Told::Some => {}
        }
    }
}

/// Destroys the keys, and tells providers of what came to be the person's meanwhile.
///
/// # Errors
/// If storage or the database refuses.
pub async fn destroy(run: Run, job: DestroyKeys) -> Result<Outcome> {
    let keys = keys::destroy(&run.ctx, job.erasure).await?;
    // What is known to be theirs only since providers were told; their names for it are blanked next.
    tell_once(&run, job.erasure).await?;
    Ok(Outcome::Done(json!({ "keys": keys })))
}

/// Tells providers; one that does not answer now is not waited for.
async fn tell_once(run: &Run, id: ErasureId) -> Result<()> {
    while providers::tell(&run.ctx, id, true).await? == Told::Some {}
    Ok(())
}

/// Deletes and blanks rows.
///
/// # Errors
/// If the database refuses.
pub async fn erase(run: Run, job: EraseRows) -> Result<Outcome> {
    while rows::page(&run.ctx, job.erasure).await? {
        if run.is_to_stop() {
            return Ok(Outcome::Snooze { after: PAUSE });
        }
    }
    Ok(Outcome::Done(json!({})))
}

/// Says what was done; before that, what came in meanwhile is treated as the rest was.
///
/// # Errors
/// If the database refuses.
pub async fn certify(run: Run, job: CertifyErasure) -> Result<Outcome> {
    let id = job.erasure;
    while certificate::certify(&run.ctx, id).await? == Certified::More {
        if stop::stop(&run.ctx, id).await? != Stopped::All {
            return Ok(Outcome::Snooze { after: SOON });
        }
        keys::destroy(&run.ctx, id).await?;
        // After that, for it finds what is theirs as well.
        tell_once(&run, id).await?;
        while rows::page(&run.ctx, id).await? {
            if run.is_to_stop() {
                return Ok(Outcome::Snooze { after: PAUSE });
            }
        }
    }
    Ok(Outcome::Done(json!({})))
}
