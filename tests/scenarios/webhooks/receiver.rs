//! A server that is told of events: it remembers what came and answers as it is told to.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use domain::calls::webhook::{Headers, verify};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

use super::PATIENCE;

/// A webhook that came.
#[derive(Debug, Clone)]
pub struct Heard {
    pub line: String,
    /// By their names in small letters.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }

    pub fn id(&self) -> &str {
        self.header("webhook-id")
    }

    pub fn event(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// Whether it is believed by who knows this secret, at an instant.
    pub fn is_signed(&self, secret: &str, now: DateTime<Utc>) -> bool {
        let headers = Headers {
            id: self.id(),
            timestamp: self.header("webhook-timestamp"),
            signature: self.header("webhook-signature"),
        };
        verify(&[secret], headers, self.body.as_bytes(), now).is_ok()
    }
}

/// The server. It ends when it is dropped.
pub struct Receiver {
    /// With a token in it.
    pub url: String,
    inner: Arc<Inner>,
    task: JoinHandle<()>,
}

struct Inner {
    heard: Mutex<Vec<Heard>>,
    more: Notify,
    /// What the next ones are answered; then `usual`.
    next: Mutex<VecDeque<u16>>,
    usual: AtomicU16,
    /// Milliseconds before an answer.
    pause_ms: AtomicU64,
}

impl Receiver {
    /// One that answers this status.
    pub async fn start(usual: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/in?token=s3cret", listener.local_addr().expect("an address"));
        let inner = Arc::new(Inner {
            heard: Mutex::default(),
            more: Notify::new(),
            next: Mutex::default(),
            usual: AtomicU16::new(usual),
            pause_ms: AtomicU64::new(0),
        });
        let serving = Arc::clone(&inner);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&serving)));
            }
        });
        Self { url, inner, task }
    }

    /// What is answered from now on.
    pub fn answer(&self, usual: u16) {
        self.inner.usual.store(usual, Ordering::Relaxed);
    }

    /// What the next one is answered.
    pub fn answer_once(&self, status: u16) {
        self.inner.next.lock().unwrap_or_else(PoisonError::into_inner).push_back(status);
    }

    pub fn pause(&self, pause: Duration) {
        let millis = u64::try_from(pause.as_millis()).expect("a short pause");
        self.inner.pause_ms.store(millis, Ordering::Relaxed);
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.inner.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until so many have come.
    pub async fn wait_for(&self, count: usize) -> Vec<Heard> {
        let waiting = async {
            loop {
                let more = self.inner.more.notified();
                let heard = self.heard();
                if heard.len() >= count {
                    return heard;
                }
                more.await;
            }
        };
        let came = tokio::time::timeout(PATIENCE, waiting).await;
        came.unwrap_or_else(|_| panic!("{count} were to come, not {}", self.heard().len()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, inner: Arc<Inner>) {
    while let Some(heard) = next(&mut stream).await {
        inner.heard.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
        inner.more.notify_waiters();
        let pause = inner.pause_ms.load(Ordering::Relaxed);
        if pause > 0 {
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        let next = inner.next.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let status = next.unwrap_or_else(|| inner.usual.load(Ordering::Relaxed));
        let answer = format!("HTTP/1.1 {status} As Told\r\ncontent-length: 0\r\n\r\n");
        // Whoever sent it may have been killed meanwhile.
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// The next request that comes whole; none if the sender is gone.
async fn next(stream: &mut TcpStream) -> Option<Heard> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let mut lines = head.lines();
        let line = lines.next().unwrap_or_default().to_owned();
        let headers: HashMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let length = headers.get("content-length").map_or(0, |length| length.parse().expect("a length"));
        if body.len() >= length {
            return Some(Heard { line, body: body.to_owned(), headers });
        }
    }
}
