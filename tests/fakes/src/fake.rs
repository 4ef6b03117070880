//! What all fakes over HTTP have in common: they start, are reachable, and end when they are dropped.

use std::{io, net::SocketAddr, ops::Deref, sync::Arc};

use tokio::net::TcpListener;

use crate::{
    World,
    clock::Clock,
    faults::Faults,
    http::{Handler, Server},
    ledger::Ledger,
};

/// One of the providers, as it answers requests.
pub trait Provider: Handler + Sized {
    /// Whose account it is, what it wants to hear, and the world it stands in.
    type Config;

    /// `url` is where it is reached.
    fn new(config: Self::Config, url: &str) -> Self;

    fn world(&self) -> &World;
}

/// A provider that is reachable; what it can do besides is in `P`.
pub struct Fake<P> {
    server: Server,
    provider: Arc<P>,
}

impl<P: Provider> Fake<P> {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start(config: P::Config) -> io::Result<Self> {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), config).await
    }

    /// Starts at an address that was used before, as after a failure of the provider.
    ///
    /// # Errors
    /// If it is taken.
    pub async fn start_at(addr: SocketAddr, config: P::Config) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let provider = Arc::new(P::new(config, &url));
        let handler = Arc::clone(&provider);
        Ok(Self { server: Server::start(listener, handler)?, provider })
    }

    /// Its base address, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr()
    }

    /// How many connections were opened to it.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// What it has accepted.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.provider.world().ledger
    }

    /// How it fails.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.provider.world().faults
    }

    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.provider.world().clock
    }
}

impl<P> Deref for Fake<P> {
    type Target = P;

    fn deref(&self) -> &P {
        &self.provider
    }
}
