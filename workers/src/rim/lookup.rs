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
use futures::{FutureExt, TryFutureExt, future::BoxFuture};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::net::lookup_host;

use super::questions::{self, NoPlace};

/// Answers all addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The resolver of the system.
pub(super) fn of_system() -> Lookup {
    let ask =
        |name: String| lookup_host((name, 0)).map_ok(|found| found.map(|addr| addr.ip()).collect()).boxed();
    questions::fairly(Arc::new(ask))
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
        Box::pin(async move {
            // Of an error within another only the outer one is found again, in what the client makes of it.
            let found = asked.await.map_err(|error| {
                if has_no_place(&error) {
                    Box::<dyn StdError + Send + Sync>::from(NoPlace)
                } else {
                    error.into()
                }
            })?;
            allowed(&policy, found)
        })
    }
}

/// Whether a name was not looked up at all.
pub(super) fn has_no_place(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(error) if error.is::<NoPlace>())
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

#[cfg(test)]
mod tests {
    use http::Method;
    use url::Url;

    use super::*;
    use crate::rim::outbound::{Limits, Outbound, OutboundError, OutboundRequest};

    #[tokio::test]
    async fn where_there_was_no_place_to_ask_nothing_is_said_of_the_server() {
        let policy = Arc::new(OutboundPolicy { loopback: false, relays: Vec::new() });
        let full: Lookup = Arc::new(|_| std::future::ready(Err(io::Error::other(NoPlace))).boxed());
        let outbound = Outbound::with_resolver(policy, full, Limits::default()).expect("a client");
        let request = OutboundRequest {
            method: Method::GET,
            url: Url::parse("https://hooks.example.com/").expect("a URL"),
            headers: Vec::new(),
            body: Vec::new(),
        };
        let sent = outbound.send(request).await.err();
        assert!(matches!(sent, Some(OutboundError::Busy(_))), "{sent:?}");
        let mail = outbound.mail_server("smtp.example.com", 25).await.err();
        assert!(matches!(mail, Some(OutboundError::Busy(_))), "{mail:?}");
    }
}
