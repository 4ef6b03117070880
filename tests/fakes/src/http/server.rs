//! The loop: requests to the handler, answers or worse out.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{Answer, Handler, Reply, reading};
use crate::listening::Listening;

/// A server that ends, with all its connections, when it is dropped.
pub struct Server {
    listening: Listening,
}

impl Server {
    /// Serves on a listener from now on.
    ///
    /// # Errors
    /// If the listener has no address.
    pub fn start<H: Handler>(listener: TcpListener, handler: Arc<H>) -> io::Result<Self> {
        let listening = Listening::start(listener, move |stream| {
            let handler = Arc::clone(&handler);
            async move { serve(stream, &*handler).await }
        })?;
        Ok(Self { listening })
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.listening.addr()
    }

    /// Its base address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr())
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.listening.opened()
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
                stream.write_all(&Answer::text(400, &error.to_string()).bytes(false, false)).await?;
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
            Reply::Cut(answer) => {
                let bytes = answer.bytes(false, false);
                let kept = bytes.len() - answer.body.len().div_ceil(2);
                stream.write_all(&bytes[..kept]).await?;
                return stream.shutdown().await;
            }
            // What is closed without lingering is reset.
            Reply::Reset => return stream.set_zero_linger(),
            Reply::Hang => return until_left(&mut stream).await,
        };
        stream.write_all(&answer.bytes(keep, request.method == "HEAD")).await?;
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
