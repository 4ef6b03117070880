//! What of a span leaves this process, by the names of the semantic conventions
//! (<https://opentelemetry.io/docs/specs/semconv/http/http-spans/>,
//! <https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>). What is not listed here stays: a path, a query, a
//! body and whatever a log line says may be about people.

use opentelemetry::{
    KeyValue, Value,
    trace::{SpanKind, Status},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents};

/// The span of a request, and that of one attempt of a job.
pub(in crate::telemetry) const REQUEST: &str = "request";
pub(in crate::telemetry) const ATTEMPT: &str = "attempt";

/// Asked every few seconds by whoever watches.
const OF_PROCESS: [&str; 4] = ["/livez", "/readyz", "/version", "/metrics"];

/// The span as it is told; none if it is told to nobody.
pub(super) fn shaped(mut span: SpanData) -> Option<SpanData> {
    let found = std::mem::take(&mut span.attributes);
    // What is recorded later counts.
    let text = |name: &str| {
        let last = found.iter().rev().find(|one| one.key.as_str() == name);
        last.map(|one| one.value.as_str().into_owned())
    };
    let number = |name: &str| {
        found.iter().rev().find_map(|one| match one.value {
            Value::I64(number) if one.key.as_str() == name => Some(number),
            _ => None,
        })
    };
    let (name, kind, failure) = match &*span.name {
        REQUEST => {
            let (method, route) = (text("http.request.method")?, text("http.route")?);
            if OF_PROCESS.contains(&&*route) {
                return None;
            }
            // "other" and "none" are ours; the conventions have names for both.
            let method = if method == "other" { "_OTHER".to_owned() } else { method };
            let status = number("http.response.status_code");
            let mut name = if method == "_OTHER" { "HTTP".to_owned() } else { method.clone() };
            span.attributes.push(KeyValue::new("http.request.method", method));
            if route != "none" {
                name = format!("{name} {route}");
                span.attributes.push(KeyValue::new("http.route", route));
            }
            span.attributes.extend(status.map(|status| KeyValue::new("http.response.status_code", status)));
            // The caller may choose it, and so it may say anything; ours is random.
            let own_id = text("request_id").filter(|id| uuid::Uuid::try_parse(id).is_ok());
            span.attributes.extend(own_id.map(|id| KeyValue::new("switchboard.request.id", id)));
            let failure = status.filter(|status| *status >= 500).map(|status| status.to_string());
            (name, SpanKind::Server, failure)
        }
        ATTEMPT => {
            let kind = text("job.kind")?;
            let name = format!("process {kind}");
            span.attributes.extend([
                KeyValue::new("messaging.system", "switchboard"),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("messaging.operation.type", "process"),
                KeyValue::new("messaging.destination.name", kind),
            ]);
            span.attributes.extend(text("job.id").map(|id| KeyValue::new("messaging.message.id", id)));
            span.attributes.extend(text("tenant.id").map(|id| KeyValue::new("switchboard.tenant.id", id)));
            let attempt = number("attempt");
            span.attributes.extend(attempt.map(|attempt| KeyValue::new("switchboard.job.attempt", attempt)));
            (name, SpanKind::Consumer, text("failure"))
        }
        _ => return None,
    };
    if let Some(failure) = failure {
        span.attributes.push(KeyValue::new("error.type", failure));
        span.status = Status::error("");
    }
    span.name = name.into();
    span.span_kind = kind;
    span.events = SpanEvents::default();
    Some(span)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use opentelemetry::{
        InstrumentationScope,
        trace::{Event, SpanContext, SpanId},
    };
    use opentelemetry_sdk::trace::SpanLinks;

    use super::*;

    fn span(name: &'static str, attributes: Vec<KeyValue>) -> SpanData {
        let mut events = SpanEvents::default();
        events.events.push(Event::with_name("ada@example.com"));
        SpanData {
            span_context: SpanContext::empty_context(),
            parent_span_id: SpanId::INVALID,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time: SystemTime::UNIX_EPOCH,
            end_time: SystemTime::UNIX_EPOCH,
            attributes,
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: Status::Unset,
            instrumentation_scope: InstrumentationScope::builder("test").build(),
        }
    }

    fn request(route: &'static str, status: i64) -> SpanData {
        span(
            REQUEST,
            vec![
                KeyValue::new("request_id", "caller-4155550101"),
                KeyValue::new("http.request.method", "GET"),
                KeyValue::new("http.route", route),
                KeyValue::new("http.response.status_code", status),
                KeyValue::new("anything", "ada@example.com"),
            ],
        )
    }

    #[test]
    fn what_is_not_listed_stays_here() {
        let told = shaped(request("/api/v1/leads", 200)).expect("it is told");
        assert_eq!((&*told.name, &told.span_kind), ("GET /api/v1/leads", &SpanKind::Server));
        assert_eq!(told.status, Status::Unset);
        let all = format!("{told:?}");
        assert!(!all.contains("ada@") && !all.contains("4155550101"), "{all}");
        assert!(shaped(request("/metrics", 200)).is_none(), "whoever watches asks all the time");
        assert!(shaped(span("of a library", Vec::new())).is_none());
    }

    #[test]
    fn what_failed_says_so_in_a_word() {
        let told = shaped(request("/api/v1/leads", 503)).expect("it is told");
        assert_eq!(told.status, Status::error(""));
        assert!(told.attributes.contains(&KeyValue::new("error.type", "503")));
        let attempt = vec![
            KeyValue::new("job.kind", "send_message"),
            KeyValue::new("attempt", 2_i64),
            KeyValue::new("failure", "refused"),
        ];
        let told = shaped(span(ATTEMPT, attempt)).expect("it is told");
        assert_eq!((&*told.name, &told.span_kind), ("process send_message", &SpanKind::Consumer));
        assert!(told.attributes.contains(&KeyValue::new("switchboard.job.attempt", 2_i64)));
        assert!(told.attributes.contains(&KeyValue::new("error.type", "refused")));
    }
}
