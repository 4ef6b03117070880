//! Traces for a collector, by OTLP over HTTP with protobuf, if one is set.
//!
//! What ends is put into a queue that holds so many spans and no more: whoever works never waits for the collector. What finds
//! no place there, and what the collector does not take, is counted and gone. [`queue`] sends, [`shape`] says what of a span
//! leaves this process, [`settings`] how all of it is set.

mod queue;
pub mod settings;
mod shape;

use std::time::Duration;

use domain::trace::{self, Carrier};
use opentelemetry::{
    Context, KeyValue,
    propagation::{Extractor, TextMapPropagator},
    trace::{TraceContextExt, TraceFlags, TracerProvider},
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider, SpanExporter as _},
};
use reqwest::redirect;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Metadata, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt;

pub(super) use self::queue::known_from_the_start;
use self::settings::Settings;

/// How long a batch may take, with all that is tried again.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long the end of a process may wait for its last spans.
const LAST: Duration = Duration::from_secs(5);

const HEADER: &str = "traceparent";

/// Traces that are told.
pub struct Traces {
    provider: SdkTracerProvider,
    stop: CancellationToken,
    sending: JoinHandle<()>,
}

impl Traces {
    /// Begins to tell.
    ///
    /// # Errors
    /// If the settings name no address, or there is no way out.
    pub fn start(settings: &Settings) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(workers::rim::tls()?)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .build()?;
        let mut exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(settings.endpoint.as_str())
            .with_headers(settings.headers.clone())
            .with_timeout(PATIENCE)
            .build()?;
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        exporter.set_resource(&resource);
        let stop = CancellationToken::new();
        let (queue, sending) = queue::open(exporter, stop.clone());
        let provider = SdkTracerProvider::builder()
            .with_span_processor(queue)
            .with_sampler(settings.sampler.clone())
            .with_resource(resource)
            .build();
        trace::carry_by(Carrier { current, adopt });
        Ok(Self { provider, stop, sending: tokio::spawn(sending) })
    }

    /// What makes spans.
    #[must_use]
    pub fn tracer(&self) -> SdkTracer {
        self.provider.tracer("switchboard")
    }

    /// Sends what is left, if the collector takes it soon enough.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(LAST, self.sending).await.is_err() {
            tracing::warn!("the collector was too slow for the last traces; they are lost");
        }
    }
}

/// Which spans are told: those of requests and of attempts, and no log line.
pub(super) fn is_told(meta: &Metadata<'_>) -> bool {
    meta.is_span()
        && meta.target().starts_with("switchboard")
        && matches!(meta.name(), shape::REQUEST | shape::ATTEMPT)
}

/// Version 0 of <https://www.w3.org/TR/trace-context/#traceparent-header>.
fn current() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let at = span.span_context();
    let flags = at.trace_flags() & TraceFlags::SAMPLED;
    at.is_valid().then(|| format!("00-{}-{}-{flags:02x}", at.trace_id(), at.span_id()))
}

/// The one header that a `traceparent` came in.
struct Carried<'t>(&'t str);

impl Extractor for Carried<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        (key == HEADER).then_some(self.0)
    }

    fn keys(&self) -> Vec<&str> {
        vec![HEADER]
    }
}

fn adopt(span: &Span, traceparent: &str) {
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Carried(traceparent));
    let is_one = parent.span().span_context().is_valid();
    if is_one && let Err(error) = span.set_parent(parent) {
        tracing::debug!(%error, "a span stays without its parent");
    }
}
