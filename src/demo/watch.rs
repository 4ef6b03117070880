//! Watches the socket and counts what it tells.

use std::collections::HashMap;

use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::{Failure, client::Client};

/// What was told so far: how many of each type, and how many sequence numbers were not the next one.
#[derive(Debug, Clone, Default)]
pub struct Told {
    pub counts: HashMap<String, u64>,
    pub gaps: u64,
    /// Why nothing more will come.
    pub broken: Option<String>,
}

impl Told {
    /// How many were told of a type, which is named as in the log: `message.sent`.
    #[must_use]
    pub fn of(&self, kind: &str) -> u64 {
        self.counts.get(kind).copied().unwrap_or_default()
    }
}

/// Opens a socket that tells everything from the beginning.
///
/// # Errors
/// If it is refused.
pub async fn watch(client: &Client) -> Result<watch::Receiver<Told>, Failure> {
    let ticket = client.post("/api/v1/ws/tickets", &json!({})).await?;
    let url = format!("{}/api/v1/ws?since=0", client.base.replacen("http", "ws", 1));
    let mut request = url.into_client_request()?;
    let protocols = format!("switchboard.v1, ticket.{}", ticket["ticket"].as_str().unwrap_or_default());
    request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_str(&protocols)?);
    let (mut socket, _) = connect_async(request).await?;
    let (tell, told) = watch::channel(Told::default());
    tokio::spawn(async move {
        let mut sequence = 0;
        let why = loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                    let Some(kind) = frame["type"].as_str() else { continue };
                    let kind = kind.trim_start_matches("switchboard.").trim_end_matches(".v1").to_owned();
                    sequence += 1;
                    let gap = u64::from(frame["sequence"] != sequence);
                    tell.send_modify(|told| {
                        *told.counts.entry(kind).or_default() += 1;
                        told.gaps += gap;
                    });
                }
                Some(Ok(Message::Close(close))) => break format!("the socket was closed: {close:?}"),
                Some(Ok(_)) => {}
                Some(Err(error)) => break format!("the socket broke: {error}"),
                None => break "the socket ended".to_owned(),
            }
        };
        tell.send_modify(|told| told.broken = Some(why));
    });
    Ok(told)
}
