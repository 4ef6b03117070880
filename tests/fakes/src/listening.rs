//! A listener and its connections, which end with it.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

pub(crate) struct Listening {
    addr: SocketAddr,
    opened: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Listening {
    /// Serves each connection in a task of its own.
    pub(crate) fn start<S, F>(listener: TcpListener, serve: S) -> io::Result<Self>
    where
        S: Fn(TcpStream) -> F + Send + 'static,
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let addr = listener.local_addr()?;
        let opened = Arc::new(AtomicUsize::new(0));
        let task = tokio::spawn(accept(listener, serve, Arc::clone(&opened)));
        Ok(Self { addr, opened, task })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were opened.
    pub(crate) fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept<S, F>(listener: TcpListener, serve: S, opened: Arc<AtomicUsize>)
where
    S: Fn(TcpStream) -> F,
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    opened.fetch_add(1, Ordering::Relaxed);
                    let served = serve(stream);
                    // A peer that breaks off is part of the game.
                    connections.spawn(async move { served.await.unwrap_or_default() });
                }
                // Out of file descriptors, or a peer that was gone at once: others may come.
                Err(_) => tokio::task::yield_now().await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
