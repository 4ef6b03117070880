//! A watcher of events.

use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::Client;

/// Long enough that only a defect reaches it.
const PATIENCE: Duration = Duration::from_mins(1);

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// A frame that was waited for already.
    first: Option<Value>,
}

impl Socket {
    /// Gets a ticket and opens a socket. One that asks for nothing of before hears of all that is done from now on.
    ///
    /// # Panics
    /// If either is refused.
    pub async fn open(client: &Client, since: Option<i64>) -> Self {
        let ticket = client.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        let mut socket = Self::with_ticket(client, ticket, since, None).await.expect("the upgrade");
        if since.is_none() {
            // What is done before it says where it stands may be before that.
            socket.first = Some(socket.frame().await);
        }
        socket
    }

    /// Gets a ticket and opens a socket with this query, for example `types=lead.*&since=7`.
    ///
    /// # Errors
    /// As the server refuses the upgrade.
    ///
    /// # Panics
    /// If the ticket is refused.
    pub async fn asking(client: &Client, query: &str) -> Result<Self, Box<tungstenite::Error>> {
        let ticket = client.post("/api/v1/ws/tickets", &json!({})).await.expect(201);
        Self::connect(client, ticket["ticket"].as_str().expect("a ticket"), query, None).await
    }

    /// The same for somebody who comes back, to a process that may be stopping.
    ///
    /// # Errors
    /// If it does not answer, or refuses.
    pub async fn returning(
        client: &Client,
        since: i64,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let ticket = client.try_post("/api/v1/ws/tickets", &json!({})).await?;
        let ticket = ticket.body["ticket"].as_str().ok_or("no ticket")?.to_owned();
        Ok(Self::connect(client, &ticket, &format!("since={since}"), None).await?)
    }

    /// Opens a socket with a ticket.
    ///
    /// # Errors
    /// As the server refuses.
    ///
    /// # Panics
    /// If the address cannot be made.
    pub async fn with_ticket(
        client: &Client,
        ticket: &str,
        since: Option<i64>,
        origin: Option<&str>,
    ) -> Result<Self, Box<tungstenite::Error>> {
        let since = since.map_or_else(String::new, |since| format!("since={since}"));
        Self::connect(client, ticket, &since, origin).await
    }

    async fn connect(
        client: &Client,
        ticket: &str,
        query: &str,
        origin: Option<&str>,
    ) -> Result<Self, Box<tungstenite::Error>> {
        Self::upgrade(client, &format!("switchboard.v1, ticket.{ticket}"), query, origin).await
    }

    /// Opens a socket with these subprotocols, whatever they are.
    ///
    /// # Errors
    /// As the server refuses.
    ///
    /// # Panics
    /// If the address cannot be made.
    pub async fn offering(client: &Client, protocols: &str) -> Result<Self, Box<tungstenite::Error>> {
        Self::upgrade(client, protocols, "", None).await
    }

    async fn upgrade(
        client: &Client,
        protocols: &str,
        query: &str,
        origin: Option<&str>,
    ) -> Result<Self, Box<tungstenite::Error>> {
        let url = format!("{}/api/v1/ws?{query}", client.base.replacen("http", "ws", 1));
        let mut request = url.into_client_request().expect("an address");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_str(protocols).expect("text"));
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", HeaderValue::from_str(origin).expect("text"));
        }
        let (stream, _) = connect_async(request).await.map_err(Box::new)?;
        Ok(Self { stream, first: None })
    }

    /// # Panics
    /// If the socket is closed.
    pub async fn say(&mut self, frame: &Value) {
        self.stream.send(Message::text(frame.to_string())).await.expect("the socket takes it");
    }

    /// Sends a ping of the protocol.
    ///
    /// # Panics
    /// If the socket is closed.
    pub async fn ping(&mut self) {
        self.stream.send(Message::Ping(Vec::<u8>::new().into())).await.expect("the socket takes it");
    }

    /// Sends a frame that is no text.
    ///
    /// # Panics
    /// If the socket is closed.
    pub async fn bytes(&mut self) {
        self.stream.send(Message::binary(vec![0_u8])).await.expect("the socket takes it");
    }

    /// The next frame of any kind.
    ///
    /// # Panics
    /// If none comes or the socket ends.
    pub async fn frame(&mut self) -> Value {
        self.next().await.unwrap_or_else(|why| panic!("the socket was closed: {why:?}"))
    }

    /// The next frame of any kind. An event is what its type is said to be.
    ///
    /// # Errors
    /// With the code and the reason if the socket was closed, or without if it broke.
    ///
    /// # Panics
    /// If nothing comes, or an event is not as described.
    pub async fn next(&mut self) -> Result<Value, Option<(u16, String)>> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        loop {
            let next =
                tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("a frame within a minute");
            match next {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).expect("JSON");
                    is_as_described(&frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(Some(close)))) => {
                    return Err(Some((close.code.into(), close.reason.to_string())));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(None),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits until the server closes it; answers its code and reason.
    ///
    /// # Panics
    /// If it does not.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            let next =
                tokio::time::timeout(PATIENCE, self.stream.next()).await.expect("an end within a minute");
            if let Message::Close(close) = next.expect("a close frame").expect("a good frame") {
                let close = close.expect("a code");
                return (close.code.into(), close.reason.to_string());
            }
        }
    }

    /// The code it was closed with, of one that answered nothing, no ping either, until the connection was gone.
    ///
    /// # Panics
    /// If the last frame (RFC 6455 section 5.2, none of them long) is no close with a code.
    pub async fn closed_unanswered(mut self) -> u16 {
        let mut frames = Vec::new();
        let read = self.stream.get_mut().read_to_end(&mut frames);
        tokio::time::timeout(PATIENCE, read).await.expect("an end within a minute").expect("what was sent");
        let mut rest = frames.as_slice();
        loop {
            let (head, after) = rest.split_at_checked(2).expect("a close frame");
            let (payload, next) = after.split_at_checked(head[1].into()).expect("a whole frame");
            match (head[0], payload) {
                (0x88, [high, low, ..]) => return u16::from_be_bytes([*high, *low]),
                _ => rest = next,
            }
        }
    }

    /// The next event; positions are passed over.
    ///
    /// # Panics
    /// If none comes.
    pub async fn event(&mut self) -> Value {
        loop {
            let frame = self.frame().await;
            if frame["specversion"] == "1.0" {
                return frame;
            }
        }
    }

    /// Events up to and with the first of this type, for example `message.sent`.
    ///
    /// # Panics
    /// If none comes.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let wanted = format!("switchboard.{kind}.v1");
        let mut events = Vec::new();
        loop {
            let event = self.event().await;
            let found = event["type"] == wanted;
            events.push(event);
            if found {
                return events;
            }
        }
    }
}

/// What the description says of a type is true of each event that any test hears.
fn is_as_described(frame: &Value) {
    let Some(kind) = frame["type"].as_str() else { return };
    let kind = kind.strip_prefix("switchboard.").and_then(|rest| rest.strip_suffix(".v1"));
    if let Err(wrong) = domain::events::data::check(kind.expect("a type of ours"), &frame["data"]) {
        panic!("{wrong}: {frame}");
    }
}
