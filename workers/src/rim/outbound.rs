//! One call to a server that a tenant names, and what is known of it afterwards.
//!
//! What matters after a failure is whether the other side can have acted. Until a connection stands nothing of the
//! request can have left, so the call may be made again; from then on only an answer tells, and what is not answered
//! whole is uncertain. So nothing is done a second time behind the caller's back: no redirect is followed, and the
//! only thing that is tried again is a request of which a kept connection had taken nothing when it turned out closed
//! (hyper gives a request back only as long as not a byte of it was written).

use std::{
    error::Error as _,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use domain::{Error, outbound::OutboundPolicy};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::{Client, redirect, retry};
use tokio::time::timeout;
use url::Url;

use super::{
    lookup::{self, Closed, Guarded, Lookup},
    questions::NoPlace,
    trust,
};

/// Connections to one server that wait for the next call, and for how long: servers close them after a minute or more,
/// and we are gone before.
const IDLE_PER_SERVER: usize = 256;
const IDLE: Duration = Duration::from_secs(20);

/// Where mail servers listen (RFC 5321, 6409 and 8314; 2525 is a common other one): nobody is to try out other ports.
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];

/// Headers that are the connection's own and never a caller's.
const OURS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// How far a call may go.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For name, connection and TLS together.
    pub connect: Duration,
    /// For the whole call, to the last byte of the answer that is read.
    pub total: Duration,
    /// Bytes of an answer's body that are read; what comes after them is cut off.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(3), total: Duration::from_secs(10), body: 64 * 1024 }
    }
}

/// What is to be sent.
#[derive(Clone)]
pub struct OutboundRequest {
    pub method: Method,
    pub url: Url,
    /// Name and value; those of the connection itself (`Host`, `Content-Length` and the like) are refused.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What the server said, whatever its status; a redirect too.
#[derive(Clone)]
pub struct OutboundAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    /// Its first [`Limits::body`] bytes.
    pub body: Vec<u8>,
}

/// Why there is no answer, in words that name no URL, header or body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OutboundError {
    /// The policy forbids it; nothing was sent, and nothing will be if it is tried again.
    Blocked(String),
    /// It cannot be written as HTTP; nothing was sent, and nothing will be before it is changed.
    Unwritable(String),
    /// Nothing was tried, for there was no room for it here; that says nothing of the server.
    Busy(String),
    /// Nothing was sent; it may be tried again.
    NotSent(String),
    /// The server may have acted on it or not.
    Ambiguous(String),
}

/// The client. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    policy: Arc<OutboundPolicy>,
    client: Client,
    limits: Limits,
    lookup: Lookup,
}

impl Outbound {
    /// With the resolver of the system and the default limits.
    ///
    /// # Errors
    /// If the crypto library cannot be used.
    pub fn new(policy: Arc<OutboundPolicy>) -> domain::Result<Self> {
        Self::with_resolver(policy, lookup::of_system(), Limits::default())
    }

    /// The same for tests, which say what names stand for and do not wait for long.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_resolver(
        policy: Arc<OutboundPolicy>,
        lookup: Lookup,
        limits: Limits,
    ) -> domain::Result<Self> {
        let client = Client::builder()
            .http1_only()
            .tls_backend_preconfigured(trust::tls().map_err(Error::internal)?)
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // Not those of the environment either: a proxy would look names up for us and connect to what it likes.
            .no_proxy()
            .dns_resolver(Guarded { policy: Arc::clone(&policy), lookup: Arc::clone(&lookup) })
            .connect_timeout(limits.connect)
            .pool_max_idle_per_host(IDLE_PER_SERVER)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .user_agent(concat!("Switchboard/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Error::internal)?;
        Ok(Self { policy, client, limits, lookup })
    }

    /// What may be called, for whoever takes URLs in.
    #[must_use]
    pub fn policy(&self) -> &OutboundPolicy {
        &self.policy
    }

    /// Where a mail server may be connected to: only on the public internet, unless it is one of the installation's own.
    ///
    /// # Errors
    /// If its name stands for nothing, or for nothing that may be reached.
    pub async fn mail_server(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = if let Ok(ip) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            vec![ip]
        } else {
            let asked = timeout(self.limits.connect, (self.lookup)(host.to_owned())).await;
            let unknown = || OutboundError::NotSent("the name of the server stands for nothing".into());
            asked.map_err(|_| unknown())?.map_err(|error| {
                if lookup::has_no_place(&error) {
                    OutboundError::Busy(NoPlace.to_string())
                } else {
                    unknown()
                }
            })?
        };
        let is_mails = MAIL_PORTS.contains(&port);
        if !is_mails && !self.policy.loopback {
            return Err(OutboundError::Blocked("mail goes to the ports 25, 465, 587 and 2525".into()));
        }
        let is_ours = is_mails && self.policy.relays.iter().any(|relay| relay.eq_ignore_ascii_case(host));
        let reached = found.into_iter().filter(|ip| is_ours || self.policy.is_allowed(*ip));
        let reached: Vec<SocketAddr> = reached.map(|ip| SocketAddr::new(ip, port)).collect();
        if reached.is_empty() {
            return Err(OutboundError::Blocked(Closed.to_string()));
        }
        Ok(reached)
    }

    /// Sends a request and reads the answer, once the URL was judged again: it may have been written down when more
    /// was allowed, and addresses in it never come to the resolver.
    ///
    /// # Errors
    /// See [`OutboundError`].
    pub async fn send(&self, request: OutboundRequest) -> Result<OutboundAnswer, OutboundError> {
        let OutboundRequest { method, url, headers, body } = request;
        let url = self
            .policy
            .check(url.as_str())
            .map_err(|why| OutboundError::Blocked(format!("the URL {why}")))?;
        let headers = fit(&headers)?;
        let built = self.client.request(method, url).headers(headers).body(body).build();
        let request =
            built.map_err(|_| OutboundError::Unwritable("the request cannot be written as HTTP".into()))?;
        let late = |_| Err(OutboundError::Ambiguous("no whole answer came in time".into()));
        timeout(self.limits.total, self.exchange(request)).await.unwrap_or_else(late)
    }

    async fn exchange(&self, request: reqwest::Request) -> Result<OutboundAnswer, OutboundError> {
        let mut answer = self.client.execute(request).await.map_err(|error| judge(&error))?;
        let (status, headers) = (answer.status().as_u16(), std::mem::take(answer.headers_mut()));
        let mut body = Vec::new();
        while body.len() < self.limits.body {
            let piece = answer.chunk().await;
            let broken = |_| OutboundError::Ambiguous("the answer broke off".into());
            let Some(piece) = piece.map_err(broken)? else { break };
            let room = self.limits.body - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
        }
        Ok(OutboundAnswer { status, headers, body })
    }
}

/// The headers as they are written.
fn fit(given: &[(String, String)]) -> Result<HeaderMap, OutboundError> {
    let mut headers = HeaderMap::new();
    for (name, value) in given {
        let name = HeaderName::from_bytes(name.as_bytes()).ok().filter(|name| !OURS.contains(&name.as_str()));
        let (Some(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) else {
            let why = "a header cannot be sent: it is the connection's own, or holds a line break or another control \
                       character";
            return Err(OutboundError::Unwritable(why.into()));
        };
        headers.append(name, value);
    }
    Ok(headers)
}

/// What a failure means. The client's own words are not passed on, for they name the URL.
fn judge(error: &reqwest::Error) -> OutboundError {
    let (mut cause, mut of_system) = (error.source(), None);
    while let Some(found) = cause {
        if found.is::<Closed>() {
            return OutboundError::Blocked(found.to_string());
        }
        if found.is::<NoPlace>() {
            return OutboundError::Busy(found.to_string());
        }
        // What TLS has against the other side comes without a number of the system.
        if let Some(error) = found.downcast_ref::<io::Error>()
            && error.raw_os_error().is_some()
        {
            of_system = Some(error.kind());
        }
        cause = found.source();
    }
    if !error.is_connect() {
        return OutboundError::Ambiguous("the connection broke before there was a whole answer".into());
    }
    OutboundError::NotSent(match of_system {
        _ if error.is_dns() => "the name of the server stands for no address".into(),
        _ if error.is_timeout() => "no connection came about in time".into(),
        Some(kind) => format!("no connection came about: {kind}"),
        None => "the TLS handshake failed; look at the server's certificate".into(),
    })
}
