//! Asks a provider what became of a message of unknown fate.

use domain::{
    Result,
    messages::reconcile::{self, Conclusion, ReconcileMessage},
};
use engine::Outcome;
use serde_json::json;

use crate::registry::Run;

/// Runs the job: looks, with no transaction open, and writes down what was found; looks again later where the provider
/// could not tell.
///
/// # Errors
/// If the database refuses.
pub async fn run(run: Run, job: ReconcileMessage) -> Result<Outcome> {
    let Some(inquiry) = reconcile::prepare(&run.ctx, &job).await? else {
        return Ok(Outcome::Done(json!({ "asked": false })));
    };
    let found = inquiry.ask(&run.ctx).await;
    Ok(match inquiry.conclude(&run.ctx, found).await? {
        Conclusion::Over(status) => Outcome::Done(json!({ "asked": true, "status": status })),
        Conclusion::LookAgain(after) => Outcome::Snooze { after },
    })
}
