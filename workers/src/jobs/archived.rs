//! How the steps of archiving end.

use domain::archive::Turn;
use engine::Outcome;
use serde_json::json;

use super::PAUSE;

/// What a step answers. What it refused keeps the others from nothing: it stands in the list of archives, with why.
pub(super) fn ended(turn: Turn) -> Outcome {
    match turn {
        Turn::Stopped => Outcome::Snooze { after: PAUSE },
        Turn::Over { done, refused } => Outcome::Done(json!({ "done": done, "refused": refused })),
    }
}
