//! What the peer of a socket says.

use std::time::Duration;

use axum::extract::ws::{Message, close_code};
use tokio::time::Instant;

use super::{End, Session};
use crate::live::{
    frames::{self, ClientFrame},
    interest::Interest,
};

/// Frames that a client may send in one second.
const FRAMES_PER_S: u32 = 50;

const NOISY: End = End::Close(close_code::POLICY, "at most 50 frames a second; come back with since");
const BINARY: End = End::Close(close_code::UNSUPPORTED, "frames are JSON text");

impl Session {
    /// Does what the peer says.
    pub(super) async fn hear(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        let frame = match frame {
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
            Some(Ok(frame)) => frame,
        };
        if self.spoke.0.elapsed() > Duration::from_secs(1) {
            self.spoke = (Instant::now(), 0);
        }
        self.spoke.1 += 1;
        if self.spoke.1 > FRAMES_PER_S {
            return Err(NOISY);
        }
        let text = match frame {
            Message::Text(text) => text,
            Message::Binary(_) => return Err(BINARY),
            Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return Ok(()),
        };
        match serde_json::from_str(&text) {
            Ok(ClientFrame::Subscribe { types, resources }) => match Interest::of(types, resources) {
                Ok(interest) => self.subscribe(interest).await,
                Err(wrong) => self.text(frames::error(&wrong)).await,
            },
            Ok(ClientFrame::Ack { sequence }) if sequence > self.seen => {
                self.text(frames::error("that sequence was not told yet")).await
            }
            Ok(ClientFrame::Ack { sequence }) => {
                self.listener.shared.acked(sequence);
                Ok(())
            }
            Ok(ClientFrame::Ping {}) => self.text(frames::pong()).await,
            Err(error) => self.text(frames::error(&error.to_string())).await,
        }
    }

    async fn subscribe(&mut self, interest: Interest) -> Result<(), End> {
        let passed = self.listener.narrow(interest.clone());
        self.interest = interest;
        if self.listener.shared.is_resting() {
            self.settle().await?;
        } else {
            self.drain().await?;
            self.seen = self.seen.max(passed);
        }
        self.name_unknown().await?;
        self.position().await
    }

    /// Says which types it wants that there are not.
    pub(super) async fn name_unknown(&mut self) -> Result<(), End> {
        let unknown = self.interest.unknown();
        if unknown.is_empty() {
            return Ok(());
        }
        let named = unknown.into_iter().collect::<Vec<_>>().join(", ");
        self.text(frames::error(&format!("there are no such types: {named}"))).await
    }
}
