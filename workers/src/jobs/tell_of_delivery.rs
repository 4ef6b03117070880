//! Tells of what the sandbox delivered, as a provider calls back.

use domain::{
    Result,
    messages::outbox::{self, TellOfDelivery},
};
use engine::Outcome;
use serde_json::Value;

use crate::registry::Run;

/// Runs the job. A second run finds it told.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: TellOfDelivery) -> Result<Outcome> {
    outbox::tell(&run.ctx, &job).await?;
    Ok(Outcome::Done(Value::Null))
}
