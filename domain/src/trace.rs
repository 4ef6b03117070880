//! What crosses the queue with a job besides who asked: the id of the request, and where it stands in a trace.
//!
//! Both are kept in the one text that the engine has for it ([`Provenance::trace`](engine::enqueue::Provenance)): the id as it
//! is, and behind a semicolon, which no id has in it, a `traceparent` (W3C Trace Context, section 3.2). That is there only
//! while traces are told to somebody, and nothing is asked for it otherwise.

use std::sync::OnceLock;

use tracing::Span;

/// How traces are read and continued; whoever tells them says it once.
#[derive(Debug, Clone, Copy)]
pub struct Carrier {
    /// The `traceparent` of the span that is entered, if one is.
    pub current: fn() -> Option<String>,
    /// Puts a span that has just begun under what a `traceparent` names; does nothing if that is none.
    pub adopt: fn(&Span, &str),
}

static CARRIER: OnceLock<Carrier> = OnceLock::new();

const BEHIND_ID: char = ';';

/// From now on traces cross the queue. The first one to say how stays.
pub fn carry_by(carrier: Carrier) {
    let _ = CARRIER.set(carrier);
}

/// What is kept with a job that is put in now, by a request of this id.
#[must_use]
pub fn kept(request_id: Option<&str>) -> Option<String> {
    let Some(parent) = CARRIER.get().and_then(|carrier| (carrier.current)()) else {
        return request_id.map(ToOwned::to_owned);
    };
    Some(joined(request_id, &parent))
}

/// The id of the request, out of what was kept.
#[must_use]
pub fn request_id(kept: &str) -> Option<&str> {
    let id = kept.split_once(BEHIND_ID).map_or(kept, |(id, _)| id);
    Some(id).filter(|id| !id.is_empty())
}

/// The id of the request and the `traceparent`, out of what was kept: an id alone is handed on as it is, without a copy.
#[must_use]
pub fn apart(mut kept: String) -> (Option<String>, Option<String>) {
    let Some(at) = kept.find(BEHIND_ID) else { return (Some(kept).filter(|id| !id.is_empty()), None) };
    let parent = kept.split_off(at + BEHIND_ID.len_utf8());
    kept.truncate(at);
    (Some(kept).filter(|id| !id.is_empty()), Some(parent))
}

/// Puts a span that has just begun under what a `traceparent` names.
pub fn adopt(span: &Span, traceparent: &str) {
    if let Some(carrier) = CARRIER.get() {
        (carrier.adopt)(span, traceparent);
    }
}

fn joined(request_id: Option<&str>, parent: &str) -> String {
    format!("{}{BEHIND_ID}{parent}", request_id.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn an_id_comes_back_as_it_was() {
        assert_eq!(request_id("a-1"), Some("a-1"));
        assert_eq!(request_id(&joined(Some("a-1"), PARENT)), Some("a-1"));
        assert_eq!(request_id(&joined(None, PARENT)), None);
        let (id, parent) = (Some("a-1".to_owned()), Some(PARENT.to_owned()));
        assert_eq!(apart(joined(Some("a-1"), PARENT)), (id.clone(), parent.clone()));
        assert_eq!(apart(joined(None, PARENT)), (None, parent));
        assert_eq!(apart("a-1".to_owned()), (id, None));
        assert_eq!(kept(Some("a-1")).as_deref(), Some("a-1"), "nobody is told of traces");
        assert_eq!(kept(None), None);
    }
}
