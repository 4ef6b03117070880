//! What providers send us by themselves. The fakes build the requests, signed; a [`Courier`] brings them, in
//! any order and as often as a test wants.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, redirect::Policy};

use crate::faults::splitmix64;

/// A request as the provider would send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallbackRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The public address, which some signatures cover.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl CallbackRequest {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The request, to be sent.
    pub fn by(self, client: &Client) -> RequestBuilder {
        let method = if self.method == "GET" { Method::GET } else { Method::POST };
        let request = client.request(method, self.url).body(self.body);
        self.headers.into_iter().fold(request, |request, (name, value)| request.header(name, value))
    }

    /// The same with another address and the signature that it had: as behind a proxy.
    #[must_use]
    pub fn via(&self, base: &str) -> Self {
        let after_scheme = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').map_or("/", |at| &after_scheme[at..]);
        Self { url: format!("{}{path}", base.trim_end_matches('/')), ..self.clone() }
    }
}

/// In which order, and how often, callbacks come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Order {
    /// Shuffled as this seed says; as built without one.
    pub shuffled: Option<u64>,
    /// Each comes twice.
    pub doubled: bool,
}

impl Order {
    /// The requests in this order.
    #[must_use]
    pub fn of(self, requests: &[CallbackRequest]) -> Vec<CallbackRequest> {
        let mut ordered = requests.to_vec();
        if self.doubled {
            ordered.extend_from_slice(requests);
        }
        if let Some(mut drawn) = self.shuffled {
            for at in (1..ordered.len()).rev() {
                drawn = splitmix64(drawn);
                let places = u64::try_from(at + 1).unwrap_or(u64::MAX);
                ordered.swap(at, usize::try_from(drawn % places).unwrap_or(at));
            }
        }
        ordered
    }
}

/// Brings callbacks over plain HTTP, on kept connections, and follows no redirects.
#[derive(Debug, Clone)]
pub struct Courier {
    client: Client,
}

impl Default for Courier {
    fn default() -> Self {
        Self::new()
    }
}

impl Courier {
    #[must_use]
    pub fn new() -> Self {
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(15));
        Self { client: client.build().unwrap_or_default() }
    }

    /// The status that the request was answered with. `base` is where it goes instead of its public address.
    ///
    /// # Errors
    /// If there was no answer.
    pub async fn deliver(&self, request: &CallbackRequest, base: Option<&str>) -> reqwest::Result<u16> {
        // The answer is read to its end, so that the connection can serve again.
        Ok(self.ask(request, base).await?.0)
    }

    /// As [`Self::deliver`], with what was answered: Meta's handshake wants its challenge back.
    ///
    /// # Errors
    /// If there was no answer.
    pub async fn ask(&self, request: &CallbackRequest, base: Option<&str>) -> reqwest::Result<(u16, String)> {
        let there = base.map_or_else(|| request.clone(), |base| request.via(base));
        let answer = there.by(&self.client).send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    /// Brings all, one after the other, and tells the statuses in the order they were brought in.
    ///
    /// # Errors
    /// If one had no answer.
    pub async fn deliver_all(
        &self,
        requests: &[CallbackRequest],
        base: Option<&str>,
        order: Order,
    ) -> reqwest::Result<Vec<u16>> {
        let mut statuses = Vec::new();
        for request in order.of(requests) {
            statuses.push(self.deliver(&request, base).await?);
        }
        Ok(statuses)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::net::TcpListener;

    use super::*;
    use crate::{
        http::{Answer, Handler, Reply, Request, Server},
        lock,
    };

    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Handler for Heard {
        fn handle(&self, request: &Request) -> Reply {
            let signature = request.header("x-sig").unwrap_or_default();
            lock(&self.0).push(format!("{} {signature}", request.target));
            Answer::text(200, "ok").into()
        }
    }

    #[tokio::test]
    async fn a_courier_brings_all_in_order_over_kept_connections() {
        let heard = Arc::new(Heard::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = Server::start(listener, Arc::clone(&heard)).expect("a server");
        let (requests, order) = (requests(), Order { shuffled: Some(1), doubled: true });
        let url = server.url();
        let statuses = Courier::new().deliver_all(&requests, Some(&url), order).await.expect("answers");
        assert_eq!(statuses, [200; 40]);
        let public = |request: &CallbackRequest| request.url.replace("https://public.example", "") + " s";
        let brought: Vec<String> = order.of(&requests).iter().map(public).collect();
        assert_eq!(*lock(&heard.0), brought);
        assert!(server.connections() < 10, "{} connections for 40 requests", server.connections());
    }

    fn requests() -> Vec<CallbackRequest> {
        let request = |number| CallbackRequest {
            method: "POST",
            url: format!("https://public.example/cb/{number}?a=b"),
            headers: vec![("X-Sig".into(), "s".into())],
            body: Vec::new(),
        };
        (0..20).map(request).collect()
    }

    #[test]
    fn an_order_repeats_itself_and_loses_nothing() {
        let requests = requests();
        let order = Order { shuffled: Some(5), doubled: true };
        let shuffled = order.of(&requests);
        assert_eq!(shuffled, order.of(&requests));
        assert_ne!(shuffled[..20], requests[..]);
        for request in &requests {
            assert_eq!(shuffled.iter().filter(|found| *found == request).count(), 2);
        }
        assert_eq!(Order::default().of(&requests), requests);
    }

    #[test]
    fn another_address_leaves_path_query_and_headers() {
        let via = requests()[3].via("http://127.0.0.1:99/");
        assert_eq!(via.url, "http://127.0.0.1:99/cb/3?a=b");
        assert_eq!(via.header("x-sig"), Some("s"));
    }
}
