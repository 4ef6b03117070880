//! A collector that takes traces by OTLP over HTTP with protobuf:
//! <https://opentelemetry.io/docs/specs/otlp/#otlphttp>,
//! <https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto>

mod wire;

use std::{collections::BTreeMap, sync::Mutex};

use crate::{
    World,
    http::{Answer, Handler, Reply, Request},
    lock,
};

pub type Fake = crate::Fake<Collector>;

/// How the collector is.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// It takes connections and requests, and never answers.
    pub silent: bool,
    pub world: World,
}

/// A span as it was told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Span {
    /// In hexadecimal.
    pub trace: String,
    pub id: String,
    /// Empty if it has no parent.
    pub parent: String,
    pub name: String,
    /// 2 of a server, 5 of a consumer.
    pub kind: u64,
    /// 2 of what failed.
    pub status: u64,
    /// Numbers as text.
    pub attributes: BTreeMap<String, String>,
    /// What the process says of itself.
    pub resource: BTreeMap<String, String>,
    pub events: usize,
}

/// The collector behind a [`Fake`].
pub struct Collector {
    config: Config,
    came: Mutex<Came>,
}

#[derive(Default)]
struct Came {
    spans: Vec<Span>,
    headers: Vec<Vec<(String, String)>>,
    bodies: Vec<Vec<u8>>,
}

impl crate::Provider for Collector {
    type Config = Config;

    fn new(config: Config, _: &str) -> Self {
        Self { config, came: Mutex::default() }
    }

    fn world(&self) -> &World {
        &self.config.world
    }
}

impl Handler for Collector {
    fn handle(&self, request: &Request) -> Reply {
        if self.config.silent {
            return Reply::Hang;
        }
        if request.method != "POST" || request.path() != "/v1/traces" {
            return Answer::text(404, "POST /v1/traces").into();
        }
        if !request.is("application/x-protobuf") {
            return Answer::text(415, "protobuf only").into();
        }
        let Some(spans) = wire::spans(&request.body) else {
            return Answer::text(400, "no traces").into();
        };
        let mut came = lock(&self.came);
        came.spans.extend(spans);
        came.headers.push(request.headers.clone());
        came.bodies.push(request.body.clone());
        // An empty message: all were taken.
        Answer {
            status: 200,
            headers: vec![("Content-Type".into(), "application/x-protobuf".into())],
            body: Vec::new(),
        }
        .into()
    }
}

impl Collector {
    /// All spans, in the order in which they came.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        lock(&self.came).spans.clone()
    }

    /// The values of a header of each request; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Vec<String> {
        let came = lock(&self.came);
        let value =
            |headers: &Vec<(String, String)>| crate::http::value(headers, name).map(ToOwned::to_owned);
        came.headers.iter().filter_map(value).collect()
    }

    /// Whether these bytes stand in anything that came.
    #[must_use]
    pub fn was_told(&self, text: &str) -> bool {
        let within = |body: &Vec<u8>| body.windows(text.len()).any(|part| part == text.as_bytes());
        lock(&self.came).bodies.iter().any(within)
    }
}
