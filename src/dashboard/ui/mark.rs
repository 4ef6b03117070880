//! States, told by shape, word and colour; any one of the three is enough.

use askama::{Template, filters::HtmlSafe};

/// How a state is drawn. The shapes stand in `assets/parts.css`.
#[derive(Template)]
#[template(ext = "html", source = r#"<span class="mark mark-{{ shape }}">{{ word }}</span>"#)]
pub struct Mark<'a> {
    shape: &'static str,
    word: &'a str,
}

impl HtmlSafe for Mark<'_> {}

/// A state by the name that the API gives it: of jobs, runs, steps, campaigns, messages, nodes, accounts and whatever else
/// has one. A name that nobody has thought of is drawn as a plain ring.
#[must_use]
pub fn state(name: &str) -> Mark<'_> {
    Mark { shape: shape(name), word: name }
}

/// Another word in the shape of a state.
#[must_use]
pub fn mark<'a>(word: &'a str, like: &str) -> Mark<'a> {
    Mark { shape: shape(like), word }
}

/// The name of a state's shape, for whoever draws it elsewhere.
#[must_use]
pub fn shape(name: &str) -> &'static str {
    match name {
        // A disc: done, and well.
        "completed" | "succeeded" | "delivered" | "read" | "sent" | "active" | "finished" | "up"
        | "published" | "verified" | "ok" | "done" | "fulfilled" | "closed" => "good",
        // A half disc: under way.
        "running" | "sending" | "planning" | "stopping" | "processing" | "ending" => "busy",
        // A ring: waits for its turn.
        "available" | "scheduled" | "pending" | "queued" | "waiting" | "planned" | "draft" | "new"
        | "awaiting_approval" | "placed" => "waits",
        // A triangle: something went wrong, and it goes on.
        "retrying" | "late" | "unknown" | "suspect" | "bounced" | "expiring" | "behind" => "warns",
        // A square: it went wrong for good.
        "failed" | "discarded" | "quarantined" | "down" | "error" | "dead" | "denied" => "bad",
        // Two bars: somebody holds it.
        "paused" | "parked" | "disabled" | "suspended" | "held" | "suppressed" => "held",
        // A stroke: taken back.
        "cancelled" | "archived" | "revoked" | "expired" | "skipped" | "ended" => "over",
        _ => "plain",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_has_a_shape_and_a_word() {
        let drawn = state("running").to_string();
        assert_eq!(drawn, r#"<span class="mark mark-busy">running</span>"#);
        assert_eq!(state("<b>").to_string(), r#"<span class="mark mark-plain">&#60;b&#62;</span>"#);
    }
}
