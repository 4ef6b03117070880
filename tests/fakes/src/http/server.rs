//! The loop: connections in, requests to the handler, answers or worse out.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::{Answer, Handler, Reply, reading};

/// A server that ends, with all its connections, when it is dropped.
pub struct Server {
    addr: SocketAddr,
    opened: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves on a listener from now on.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start<H: Handler>(listener: TcpListener, handler: Arc<H>) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let opened = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, handler, Arc::clone(&opened)));
        Ok(Self { addr, opened, task })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its base address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<H: Handler>(listener: TcpListener, handler: Arc<H>, opened: Arc<AtomicUsize>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    opened.fetch_add(1, Ordering::Relaxed);
                    let handler = Arc::clone(&handler);
                    // A peer that breaks off is part of the game.
                    connections.spawn(async move { serve(stream, &*handler).await.unwrap_or_default() });
                }
                // Out of file descriptors, or a peer that was gone at once: others may come.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve<H: Handler>(mut stream: TcpStream, handler: &H) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let (request, keep) = match reading::request(&mut stream, &mut buffer).await {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                stream.write_all(&Answer::text(400, &error.to_string()).bytes(false)).await?;
                return stream.shutdown().await;
            }
            Err(error) => return Err(error),
        };
        let answer = match handler.handle(&request) {
            Reply::Answer(answer) => answer,
            Reply::Later(delay, answer) => {
                tokio::time::sleep(delay).await;
                answer
            }
            // What is closed without lingering is reset.
            Reply::Reset => return stream.set_zero_linger(),
            Reply::Hang => return until_left(&mut stream).await,
        };
        stream.write_all(&answer.bytes(keep)).await?;
        if !keep {
            return stream.shutdown().await;
        }
    }
}

async fn until_left(stream: &mut TcpStream) -> io::Result<()> {
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}
