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
