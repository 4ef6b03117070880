//! How traces are set, with the meaning that the specification gives its variables:
//! <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>,
//! <https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>.

use std::collections::HashMap;

use opentelemetry_sdk::trace::Sampler;
use reqwest::Url;

/// The settings that the standard variables set, where ours do not: name and variable.
pub const STANDARD: [(&str, &str); 6] = [
    ("otlp_endpoint", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ("otlp_traces_endpoint", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
    ("otlp_headers", "OTEL_EXPORTER_OTLP_HEADERS"),
    ("service_name", "OTEL_SERVICE_NAME"),
    ("traces_sampler", "OTEL_TRACES_SAMPLER"),
    ("traces_sampler_arg", "OTEL_TRACES_SAMPLER_ARG"),
];

/// The standard variable that turns off, by `true`, what the others turn on.
pub const DISABLED: &str = "OTEL_SDK_DISABLED";

/// What is told to whom, and how much of it.
#[derive(Clone)]
pub struct Settings {
    /// Where spans are posted.
    pub endpoint: Url,
    pub headers: HashMap<String, String>,
    pub service_name: String,
    pub sampler: Sampler,
}

/// Where spans are posted: the address of traces as it is, or the one of all signals with the path of traces behind it. None
/// if neither is set.
///
/// # Errors
/// A sentence that names the setting.
pub fn endpoint(all: Option<&str>, traces: Option<&str>) -> Result<Option<Url>, String> {
    let (name, text) = match (traces, all) {
        (Some(traces), _) => ("otlp_traces_endpoint", traces.to_owned()),
        (None, Some(all)) => ("otlp_endpoint", format!("{}/v1/traces", all.trim_end_matches('/'))),
        (None, None) => return Ok(None),
    };
    Url::parse(&text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .map(Some)
        .ok_or_else(|| format!("{name} must be an address: http://127.0.0.1:4318"))
}

/// Headers as `name=value,name=value`, values percent-encoded.
///
/// # Errors
/// A sentence that names the setting and says nothing of what it holds.
pub fn headers(text: &str) -> Result<HashMap<String, String>, String> {
    let header = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = decoded(value.trim());
        let name = name.trim().to_ascii_lowercase();
        let is_one = name.parse::<axum::http::HeaderName>().is_ok()
            && value.parse::<axum::http::HeaderValue>().is_ok();
        is_one.then_some((name, value))
    };
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let read: Option<HashMap<_, _>> = pairs.map(header).collect();
    read.ok_or_else(|| "otlp_headers must be name=value, with commas between them".to_owned())
}

/// A plus is a plus here, as it is not in a form.
fn decoded(value: &str) -> String {
    let form = value.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(form.as_bytes()).map(|(text, _)| text.into_owned()).next().unwrap_or_default()
}

/// The sampler of a name; `share` is for those that take a part of all traces, from 0 to 1, and all without it.
///
/// # Errors
/// A sentence that names the setting.
pub fn sampler(name: &str, share: Option<&str>) -> Result<Sampler, String> {
    let by_share = || {
        let share = share.map_or(Ok(1.0), str::parse).ok().filter(|share| (0.0..=1.0).contains(share));
        let share = share.ok_or_else(|| "traces_sampler_arg must be a number from 0 to 1".to_owned());
        share.map(Sampler::TraceIdRatioBased)
    };
    let by_parent = |root: Sampler| Sampler::ParentBased(Box::new(root));
    Ok(match name {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => by_share()?,
        "parentbased_always_on" => by_parent(Sampler::AlwaysOn),
        "parentbased_always_off" => by_parent(Sampler::AlwaysOff),
        "parentbased_traceidratio" => by_parent(by_share()?),
        _ => {
            return Err(
                "traces_sampler must be always_on, always_off, traceidratio, parentbased_always_on, \
                        parentbased_always_off or parentbased_traceidratio"
                    .to_owned(),
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_traces_stands_behind_the_address_of_all_signals_alone() {
        let at = |all, traces| endpoint(all, traces).expect("an address").map(String::from);
        let collector = Some("http://127.0.0.1:4318");
        assert_eq!(at(None, None), None);
        assert_eq!(at(collector, None).as_deref(), Some("http://127.0.0.1:4318/v1/traces"));
        assert_eq!(at(Some("http://h/otlp/"), None).as_deref(), Some("http://h/otlp/v1/traces"));
        assert_eq!(at(collector, Some("https://h/here")).as_deref(), Some("https://h/here"));
        assert!(endpoint(Some("127.0.0.1"), None).is_err());
    }

    #[test]
    fn headers_are_decoded_and_wrong_ones_are_not_repeated() {
        let read = headers("Authorization=Basic%20YQ+b==, x-tenant = one ").expect("headers");
        assert_eq!(read.get("authorization").map(String::as_str), Some("Basic YQ+b=="));
        assert_eq!(read.get("x-tenant").map(String::as_str), Some("one"));
        assert!(headers("").expect("none").is_empty());
        let error = headers("secret").expect_err("no pair");
        assert!(!error.contains("secret"), "{error}");
    }

    #[test]
    fn samplers_go_by_their_names() {
        assert!(matches!(sampler("parentbased_traceidratio", Some("0.1")), Ok(Sampler::ParentBased(_))));
        assert!(matches!(sampler("traceidratio", None), Ok(Sampler::TraceIdRatioBased(_))));
        assert!(matches!(sampler("always_on", Some("for another program")), Ok(Sampler::AlwaysOn)));
        assert!(sampler("traceidratio", Some("1.5")).is_err());
        assert!(sampler("traceidratio", Some("half")).is_err());
        assert!(sampler("jaeger_remote", None).is_err());
    }
}
