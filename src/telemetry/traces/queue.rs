//! Spans on their way to the collector.

use std::time::Duration;

use opentelemetry::Context;
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Span, SpanData, SpanExporter as _, SpanProcessor},
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, shape::shaped};

/// As the specification has them for its own queues: <https://opentelemetry.io/docs/specs/otel/trace/sdk/#batching-processor>.
const MOST: usize = 2048;
const BATCH: usize = 512;
const DELAY: Duration = Duration::from_secs(5);

const SENT: &str = "switchboard_spans_sent_total";
const DROPPED: &str = "switchboard_spans_dropped_total";

/// Whoever watches for growth does not see what begins with the first one.
pub(in crate::telemetry) fn known_from_the_start() {
    for name in [SENT, DROPPED] {
        metrics::counter!(name).increment(0);
    }
}

/// The end of the queue that spans are put in at.
#[derive(Debug)]
pub(super) struct Queue(mpsc::Sender<SpanData>);

/// An empty queue, and what empties it: until `stop`, and then what is left.
pub(super) fn open(
    exporter: SpanExporter,
    stop: CancellationToken,
) -> (Queue, impl Future<Output = ()> + Send + 'static) {
    let (sender, spans) = mpsc::channel(MOST);
    (Queue(sender), send(exporter, spans, stop))
}

impl SpanProcessor for Queue {
    fn on_start(&self, _: &mut Span, _: &Context) {}

    fn on_end(&self, span: SpanData) {
        if !span.span_context.is_sampled() {
            return;
        }
        if let Some(span) = shaped(span)
            && self.0.try_send(span).is_err()
        {
            metrics::counter!(DROPPED).increment(1);
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

async fn send(exporter: SpanExporter, mut spans: mpsc::Receiver<SpanData>, stop: CancellationToken) {
    let mut is_away = false;
    loop {
        let batch = gather(&mut spans, &stop).await;
        if batch.is_empty() {
            if stop.is_cancelled() || spans.is_closed() {
                return;
            }
            continue;
        }
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        // The exporter looks at the time between two tries alone.
        let taken = tokio::time::timeout(PATIENCE, exporter.export(batch)).await;
        let refused = match taken {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(late) => Some(late.to_string()),
        };
        let counter = if refused.is_none() { SENT } else { DROPPED };
        metrics::counter!(counter).increment(count);
        // Once for each time that it goes or comes: there are many batches.
        match &refused {
            Some(error) if !is_away => {
                tracing::warn!(%error, "the collector does not take traces; they are lost until it does");
            }
            None if is_away => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        is_away = refused.is_some();
    }
}

/// What has come when a batch is full, time is up, or all is to end.
async fn gather(spans: &mut mpsc::Receiver<SpanData>, stop: &CancellationToken) -> Vec<SpanData> {
    let mut batch = Vec::new();
    let until = Instant::now() + DELAY;
    while batch.len() < BATCH {
        let room = BATCH - batch.len();
        tokio::select! {
            biased;
            () = stop.cancelled() => {
                while batch.len() < BATCH && let Ok(span) = spans.try_recv() {
                    batch.push(span);
                }
                break;
            }
            () = tokio::time::sleep_until(until) => break,
            came = spans.recv_many(&mut batch, room) => {
                if came == 0 {
                    break;
                }
            }
        }
    }
    batch
}
