//! Who holds a queue, and who takes that back.

use chrono::{DateTime, Utc};
use engine::queues::QueueView;

/// A pause.
#[derive(Debug, PartialEq, Eq)]
pub struct Pause {
    /// All kinds if none is named.
    pub kind: Option<String>,
    /// In words.
    pub by: &'static str,
    pub why: String,
    pub at: Option<DateTime<Utc>>,
    /// The tenant's own, which it takes back itself.
    pub own: bool,
}

/// The pauses that hold a queue or kinds of it. Those of the whole installation are not told to a tenant one by one, but
/// that there is one is seen from what is held.
pub fn pauses(queue: &QueueView) -> Vec<Pause> {
    let named = queue.pauses.iter().map(|held| Pause {
        kind: held.kind.clone(),
        by: match held.by.as_str() {
            "tenant" => "your tenant",
            "operator" => "an operator of the installation",
            _ => "the product, while the tenant is suspended or restored",
        },
        why: held.why.clone(),
        at: Some(held.at),
        own: held.by == "tenant",
    });
    let mut pauses: Vec<Pause> = named.collect();
    let unsaid = |kind: Option<String>| Pause {
        kind,
        by: "an operator, for the whole installation",
        why: String::new(),
        at: None,
        own: false,
    };
    let all = pauses.iter().any(|pause| pause.kind.is_none());
    let explained = |kind: &String| pauses.iter().any(|pause| pause.kind.as_ref() == Some(kind));
    let rest: Vec<&String> = queue.paused_kinds.iter().filter(|kind| !all && !explained(kind)).collect();
    if !rest.is_empty() {
        let whole = queue.paused && rest.len() == queue.paused_kinds.len();
        if whole {
            pauses.push(unsaid(None));
        } else {
            pauses.extend(rest.into_iter().map(|kind| unsaid(Some(kind.clone()))));
        }
    }
    pauses
}

/// In one word, and the state whose shape it has.
pub fn state(queue: &QueueView) -> (&'static str, &'static str) {
    match (queue.paused, queue.paused_kinds.is_empty(), queue.parked_kinds.is_empty()) {
        (true, ..) => ("paused", "paused"),
        (false, false, _) => ("partly paused", "paused"),
        (false, true, false) => ("partly parked", "parked"),
        (false, true, true) => ("open", "active"),
    }
}

#[cfg(test)]
pub mod tests {
    use engine::queues::Held;

    use super::*;

    /// A queue that nobody holds.
    pub fn open() -> QueueView {
        QueueView {
            name: "q".into(),
            scheduled: 1,
            available: 2,
            running: 3,
            oldest_due_at: None,
            counted_at: None,
            paused: false,
            paused_kinds: Vec::new(),
            parked_kinds: Vec::new(),
            weight: 1.0,
            limits: serde_json::json!([]),
            pauses: Vec::new().into(),
        }
    }

    fn held(by: &str, kind: Option<&str>) -> Held {
        Held { by: by.into(), kind: kind.map(ToOwned::to_owned), why: "why".into(), at: DateTime::UNIX_EPOCH }
    }

    #[test]
    fn what_is_held_says_by_whom() {
        let kinds = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(pauses(&open()).is_empty());
        let own = QueueView {
            paused: true,
            paused_kinds: kinds(&["a", "b"]),
            pauses: vec![held("tenant", None)].into(),
            ..open()
        };
        let found = pauses(&own);
        assert_eq!((found.len(), found[0].own, &found[0].kind), (1, true, &None));
        let wide = QueueView { paused: true, paused_kinds: kinds(&["a", "b"]), ..open() };
        let found = pauses(&wide);
        assert_eq!((found.len(), found[0].own, &found[0].kind), (1, false, &None));
        let both = QueueView {
            paused_kinds: kinds(&["a", "b"]),
            pauses: vec![held("tenant", Some("a"))].into(),
            ..open()
        };
        let found = pauses(&both);
        let told: Vec<_> = found.iter().map(|pause| (pause.kind.as_deref(), pause.own)).collect();
        assert_eq!(told, [(Some("a"), true), (Some("b"), false)]);
        assert_eq!((state(&open()).0, state(&own).0, state(&both).0), ("open", "paused", "partly paused"));
    }
}
