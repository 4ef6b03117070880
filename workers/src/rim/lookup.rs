//! Names to addresses: of whatever a name stands for, only what the policy allows comes out.
//!
//! It is asked once for each connection and the connection goes to what was answered, so there is no moment between
//! judging and connecting in which a name could come to stand for something else.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use domain::outbound::OutboundPolicy;
use futures::{FutureExt, future::BoxFuture};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::{net::lookup_host, sync::Semaphore};

/// Answers all addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Questions to the system's resolver at a time. Each holds a thread that others need too, and a name whose servers
/// are slow on purpose can hold it for half a minute.
const QUESTIONS: usize = 64;

/// The resolver of the system.
pub(super) fn of_system() -> Lookup {
    let places = Arc::new(Semaphore::new(QUESTIONS));
    Arc::new(move |name: String| ask(Arc::clone(&places), name).boxed())
}

async fn ask(places: Arc<Semaphore>, name: String) -> io::Result<Vec<IpAddr>> {
    let place = places.acquire_owned().await.map_err(io::Error::other)?;
    // Whoever asks may give up; the thread does not, so it keeps its place until it has ended.
    let asked = tokio::spawn(async move {
        let found: io::Result<Vec<IpAddr>> =
            lookup_host((name, 0)).await.map(|found| found.map(|addr| addr.ip()).collect());
        drop(place);
        found
    });
    asked.await.map_err(io::Error::other)?
}

/// A name stands for addresses, and none of them may be called.
#[derive(Debug)]
pub(super) struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the name stands for no address on the public internet")
    }
}

impl StdError for Closed {}

/// The resolver of the client.
pub(super) struct Guarded {
    pub policy: Arc<OutboundPolicy>,
    pub lookup: Lookup,
}

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, asked) = (Arc::clone(&self.policy), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move { allowed(&policy, asked.await?) })
    }
}

fn allowed(policy: &OutboundPolicy, found: Vec<IpAddr>) -> Result<Addrs, Box<dyn StdError + Send + Sync>> {
    if found.is_empty() {
        return Err(io::Error::from(io::ErrorKind::NotFound).into());
    }
    let open: Vec<SocketAddr> = found
        .into_iter()
        .filter(|ip| policy.is_allowed(*ip))
        // The client puts the port of the URL in the place of 0.
        .map(|ip| SocketAddr::new(ip, 0))
        .collect();
    if open.is_empty() { Err(Closed.into()) } else { Ok(Box::new(open.into_iter())) }
}
