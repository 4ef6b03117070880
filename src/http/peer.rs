//! From where a request comes.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::FromRequestParts,
    http::{Extensions, HeaderMap, request::Parts},
};

use super::{App, problem::Problem};

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The address of the client: the peer's, or what the outermost of our own proxies saw.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Ok(Self(address(&parts.extensions, &parts.headers, app.proxy_hops)?))
    }
}

/// The address of the client of a request.
///
/// # Errors
/// If it did not come over a connection.
pub fn address(extensions: &Extensions, headers: &HeaderMap, hops: u8) -> domain::Result<IpAddr> {
    let Some(Peer(peer)) = extensions.get().copied() else {
        return Err(domain::Error::internal("a request without a peer"));
    };
    let lines = headers.get_all("x-forwarded-for").into_iter();
    let forwarded = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    Ok(client(peer, hops, &forwarded.collect::<Vec<_>>()))
}

/// Each proxy adds at the end whom it heard, so with so many of our own before us the client stands that far from
/// the end; what stands before may be forged. A chain that is too short did not come through all of them.
fn client(peer: IpAddr, hops: u8, forwarded: &[&[u8]]) -> IpAddr {
    let Some(at) = forwarded.len().checked_sub(usize::from(hops)) else { return peer };
    let seen = forwarded.get(at).and_then(|seen| str::from_utf8(seen).ok()).map(str::trim);
    let seen = seen.and_then(|seen| {
        let with_port = || seen.parse().ok().map(|address: SocketAddr| address.ip());
        seen.parse().ok().or_else(with_port)
    });
    seen.unwrap_or(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_own_proxies_wrote_is_believed() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        let peer = ip("10.0.0.1");
        let client = |peer, hops, seen: &[&str]| {
            client(peer, hops, &seen.iter().map(|seen| seen.as_bytes()).collect::<Vec<_>>())
        };
        assert_eq!(client(peer, 0, &["203.0.113.9"]), peer, "no proxy: anybody may write this");
        assert_eq!(client(peer, 1, &["198.51.100.1", " 203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(client(peer, 2, &["198.51.100.1", "203.0.113.9", "10.0.0.2"]), ip("203.0.113.9"));
        assert_eq!(client(peer, 2, &["203.0.113.9"]), peer, "it came past the outer proxy");
        assert_eq!(client(peer, 1, &["unknown"]), peer);
        assert_eq!(client(peer, 1, &["caf\u{e9}", "203.0.113.9:4711"]), ip("203.0.113.9"));
        assert_eq!(client(peer, 1, &["[2001:db8::1]:443"]), ip("2001:db8::1"));
        assert_eq!(client(peer, 1, &[]), peer);
    }
}
