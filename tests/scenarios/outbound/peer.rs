//! A server on this machine that does as it is told and counts who comes.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What becomes of a request that has come whole.
#[derive(Clone)]
pub enum Does {
    /// These bytes are the answer; the connection is kept.
    Say(String),
    /// These bytes are written and the connection is closed.
    SayAndLeave(String),
    /// No answer, and the connection stays open.
    Hold,
}

impl Does {
    /// An answer of this status with this body.
    pub fn answer(status: &str, headers: &str, body: &str) -> Self {
        Self::Say(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
    }
}

/// The server. It ends when it is dropped.
pub struct Peer {
    pub addr: SocketAddr,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Peer {
    /// Does for each request what stands next, and the last thing for all that come after.
    pub async fn start(does: Vec<Does>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let seen = Arc::<Seen>::default();
        let (noting, does) = (Arc::clone(&seen), Arc::new(does));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                noting.connections.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(serve(stream, Arc::clone(&noting), Arc::clone(&does)));
            }
        });
        Self { addr, seen, task }
    }

    /// Who came, once everybody was let in who came before now: connections are let in by the order in which they came.
    pub async fn connections_before_now(&self) -> usize {
        let mut own = TcpStream::connect(self.addr).await.expect("a connection");
        let before = self.requests().len();
        own.write_all(b"GET /own HTTP/1.1\r\n\r\n").await.expect("it is taken");
        while self.requests().len() == before {
            tokio::task::yield_now().await;
        }
        self.seen.connections.load(Ordering::Relaxed) - 1
    }

    /// The requests that have come whole.
    pub fn requests(&self) -> Vec<String> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Seen>, does: Arc<Vec<Does>>) {
    while let Some(request) = whole(&mut stream).await {
        let place = {
            let mut requests = seen.requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(request);
            requests.len() - 1
        };
        // A caller that breaks off is part of the game.
        match does.get(place).or(does.last()) {
            Some(Does::Say(answer)) => stream.write_all(answer.as_bytes()).await.unwrap_or_default(),
            Some(Does::SayAndLeave(answer)) => {
                return stream.write_all(answer.as_bytes()).await.unwrap_or_default();
            }
            Some(Does::Hold) | None => {}
        }
    }
}

/// The next request, or none if the caller has gone.
async fn whole(stream: &mut TcpStream) -> Option<String> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let wanted = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() >= wanted.map_or(0, |len| len.parse::<usize>().expect("a length")) {
            return Some(text);
        }
    }
}
