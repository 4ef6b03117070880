//! Waiting for work that was accepted: the workers carry it out, whether or not anybody waits.

use std::time::Duration;

use domain::{Ctx, jobs};
use uuid::Uuid;

use super::{Failure, exit::Exit, output::Form, progress};
use crate::http::api::jobs::Operation;

/// How often it is looked how far it is.
const LOOK: Duration = Duration::from_millis(250);

/// Waits until a job or a run of a workflow has ended, with a bar, and says what came of it; or only says what was accepted.
pub(super) async fn accepted(
    form: Form,
    ctx: &Ctx,
    id: Uuid,
    what: &'static str,
    waits: bool,
) -> Result<(), Failure> {
    let now = if waits { ended(ctx, id, what).await? } else { jobs::accepted(ctx, id).await?.into() };
    let words = match (now.status, &now.result) {
        ("succeeded", Some(result)) => format!("operation {id} is done: {result}"),
        ("succeeded", None) => format!("operation {id} is done"),
        (status, _) => format!("operation {id} is {status}; the workers carry it out"),
    };
    match now.status {
        "failed" | "cancelled" => {
            let why = now.note.unwrap_or_default();
            Err(Exit::Failed.because(format!("operation {id} is {}: {why}", now.status)))
        }
        _ => form.done(&words, &now),
    }
}

async fn ended(ctx: &Ctx, id: Uuid, what: &'static str) -> Result<Operation, Failure> {
    let bar = progress::share(what);
    bar.println(format!("operation {id}: the workers carry it out, also if you wait no longer"));
    loop {
        let now = Operation::from(jobs::accepted(ctx, id).await?);
        bar.set_position(hundredths(now.progress));
        bar.set_message(now.note.clone().unwrap_or_default());
        if !matches!(now.status, "pending" | "running") {
            bar.finish_and_clear();
            return Ok(now);
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is between 0 and 100")]
fn hundredths(share: Option<f32>) -> u64 {
    (share.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0) as u64
}
