//! What a tenant may have called: servers on the public internet over https, and nothing that is nearer to us.
//!
//! A URL is judged when somebody enters it and again before each call, and the addresses of its name when they are
//! found out, for a name that was harmless yesterday may stand for an address of ours today.
//!
//! - [`forms`] ways to write what must not be called, for tests

pub mod forms;
mod ranges;

use std::net::IpAddr;

use url::{Host, Url};

/// The longest URL that is taken, in bytes.
pub const MAX_LEN: usize = 2_048;

/// Ports of other protocols, whose servers could take a request for a command: the "bad ports" of the Fetch Standard.
const BAD_PORTS: [u16; 83] = [
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103,
    104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514,
    515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723,
    2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
];

/// Ends of names that only mean something within a network (RFC 6761, 6762 with its appendix G, 8375; ICANN for
/// `internal`).
const INNER_NAMES: [&str; 12] = [
    "corp",
    "home",
    "home.arpa",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localdomain6",
    "localhost",
    "localhost6",
    "private",
];

/// Which servers may be called. The default is: only strangers'.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutboundPolicy {
    /// For development and tests: this machine may be called too, by its loopback addresses or as `localhost`, and
    /// over plain http.
    pub loopback: bool,
    /// Mail servers of the installation's own network, by the names that accounts name them by: mail may go there although
    /// strangers could not reach them.
    pub relays: Vec<String>,
}

impl OutboundPolicy {
    /// The URL as it will be called, without its fragment. What names stand for is not looked up here: that is
    /// [`is_allowed`](Self::is_allowed)'s to judge when the connection is made.
    ///
    /// # Errors
    /// What to write instead, for whoever entered it. No part of the URL is in it, for it may hold a secret.
    pub fn check(&self, url: &str) -> Result<Url, String> {
        let too_long = || format!("must have {MAX_LEN} bytes at most");
        if url.len() > MAX_LEN {
            return Err(too_long());
        }
        let mut url = Url::parse(url)
            .map_err(|error| format!("is no URL ({error}); write it like https://hooks.example.com/path"))?;
        let near = self.loopback && url.host().is_some_and(|host| is_this_machine(&host));
        match url.scheme() {
            "https" => {}
            "http" if near => {}
            _ => return Err("must begin with https://".into()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not hold a user or password; leave out what stands before the @".into());
        }
        if url.port().is_some_and(|port| BAD_PORTS.binary_search(&port).is_ok()) {
            return Err(
                "must not name the port of another protocol than https; leave the port out or use 443".into(),
            );
        }
        let open = match url.host() {
            None => false,
            Some(Host::Domain(name)) => near || is_public_name(name),
            Some(Host::Ipv4(ip)) => self.is_allowed(ip.into()),
            Some(Host::Ipv6(ip)) => self.is_allowed(ip.into()),
        };
        if !open {
            return Err(
                "must name a server on the public internet, by its full name or a public address".into()
            );
        }
        url.set_fragment(None);
        if url.as_str().len() > MAX_LEN { Err(too_long()) } else { Ok(url) }
    }

    /// Whether a connection to this address may be opened.
    #[must_use]
    pub fn is_allowed(&self, ip: IpAddr) -> bool {
        (self.loopback && ip.is_loopback()) || ranges::is_public(ip)
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    }
}

/// Whether strangers know the name too. It comes in small letters and as ASCII, as the parser of URLs writes it.
fn is_public_name(name: &str) -> bool {
    let is_within =
        |inner: &str| name.strip_suffix(inner).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    // An empty label is also a dot at the end: by it a name is the same and looks different.
    name.contains('.')
        && name.split('.').all(|label| !label.is_empty())
        && !INNER_NAMES.iter().any(|inner| is_within(inner))
}

#[cfg(test)]
mod tests;
