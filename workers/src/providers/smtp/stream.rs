//! What a conversation goes over: a connection to one of the server's addresses, which takes in no more of a reply than a
//! reply may have. The reader above it looks at the length of a line only once the line has ended.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncTokioStream;
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::settings::{Settings, Tls};
use crate::rim;

/// How long one address of the server may take to answer.
const CONNECT: Duration = Duration::from_secs(3);
/// Bytes of one reply, all its lines together.
const REPLY: usize = 64 * 1024;

/// Connects to the first of the addresses that answers, with TLS from the first byte if the account says so.
///
/// # Errors
/// Why none does, by the last of them, or that TLS did not come about.
pub(super) async fn open(
    settings: &Settings,
    server: &[SocketAddr],
) -> io::Result<Box<dyn AsyncTokioStream>> {
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for peer in server {
        match timeout(CONNECT, TcpStream::connect(peer)).await {
            Ok(Ok(plain)) if settings.tls == Tls::Implicit => {
                let name = ServerName::try_from(settings.host.clone()).map_err(io::Error::other)?;
                let tls = TlsConnector::from(Arc::new(rim::tls().map_err(io::Error::other)?));
                return Ok(Box::new(Bounded::new(tls.connect(name, plain).await?, *peer)));
            }
            Ok(Ok(plain)) => return Ok(Box::new(Bounded::new(plain, *peer))),
            Ok(Err(error)) => last = error,
            Err(_) => last = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(last)
}

/// Fails once a reply is longer than one may be. What is written begins the next.
#[derive(Debug)]
struct Bounded<S> {
    stream: S,
    peer: SocketAddr,
    /// Bytes of the reply.
    read: usize,
}

impl<S> Bounded<S> {
    fn new(stream: S, peer: SocketAddr) -> Self {
        Self { stream, peer, read: 0 }
    }
}

impl<S> AsyncTokioStream for Bounded<S>
where
    S: AsyncRead + AsyncWrite + Send + Sync + Unpin + std::fmt::Debug,
{
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.read += buf.filled().len() - before;
        if self.read > REPLY {
            // Whoever is told of an error was given nothing.
            buf.set_filled(before);
            return Poll::Ready(Err(io::Error::other("a reply of the server has no end")));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_reply_has_an_end_and_each_command_begins_a_new_one() {
        let (ours, mut theirs) = tokio::io::duplex(4 * REPLY);
        let mut ours = Bounded::new(ours, SocketAddr::from(([127, 0, 0, 1], 25)));
        for _ in 0..3 {
            theirs.write_all(&vec![b'x'; REPLY]).await.expect("there is room");
            ours.read_exact(&mut vec![0; REPLY]).await.expect("as much as a reply may have");
            ours.write_all(b"NOOP\r\n").await.expect("there is room");
        }
        theirs.write_all(&vec![b'x'; REPLY + 1]).await.expect("there is room");
        drop(theirs);
        let mut reply = Vec::new();
        let error = ours.read_to_end(&mut reply).await.expect_err("it is too long");
        assert!(error.to_string().contains("no end"), "{error}");
    }
}
