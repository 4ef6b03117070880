//! A process that serves sockets, and clients of it that cost little.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::Stdio,
    time::Duration,
};

use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig},
};

use crate::Outcome;

const PATIENCE: Duration = Duration::from_mins(1);

/// A process of the product. Killed when it is dropped.
pub struct Door {
    child: Child,
    pub process: u32,
    pub addr: SocketAddr,
    pub base: String,
}

impl Door {
    /// Starts one with these roles on a database, and waits until it answers.
    pub async fn open(connect: &PgConnectOptions, home: &Path, key: &str, roles: &str) -> Outcome<Self> {
        let (addr, command) = serving(connect, home, key, roles)?;
        Self::begin(addr, command).await
    }

    /// Starts one that does everything, as an installation of one process; it may call servers on this machine, and says that
    /// it is reached where it listens.
    pub async fn open_whole(connect: &PgConnectOptions, home: &Path, key: &str) -> Outcome<Self> {
        let (addr, mut command) = serving(connect, home, key, "api,worker,scheduler,notifier")?;
        command
            .env("SWITCHBOARD_ALLOW_LOOPBACK", "true")
            .env("SWITCHBOARD_PUBLIC_URL", format!("http://{addr}"));
        Self::begin(addr, command).await
    }

    async fn begin(addr: SocketAddr, mut command: Command) -> Outcome<Self> {
        let child = command.spawn()?;
        let process = child.id().ok_or("a process ended at once")?;
        let door = Self { child, process, addr, base: format!("http://{addr}") };
        let ready = async {
            while reqwest::get(format!("{}/readyz", door.base)).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.map_err(|_| "a process does not answer")?;
        Ok(door)
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> Outcome<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// Resident memory.
    pub fn rss_mb(&self) -> Outcome<f64> {
        crate::engine::idle::rss_mb(self.process)
    }
}

/// The command that starts a process, and where it will answer.
fn serving(
    connect: &PgConnectOptions,
    home: &Path,
    key: &str,
    roles: &str,
) -> Outcome<(SocketAddr, Command)> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut command = Command::new(std::env::current_exe()?.with_file_name("switchboard"));
    command
        .args(["serve", "--role", roles, "--listen", &addr.to_string(), "--data-dir"])
        .arg(home)
        .env("DATABASE_URL", connect.to_url_lossy().as_str())
        .env("SWITCHBOARD_KEY", key)
        .env("SWITCHBOARD_REQUESTS_PER_S", "1000000")
        .env("SWITCHBOARD_TENANT_REQUESTS_PER_S", "1000000")
        .env("SWITCHBOARD_ADDRESS_REQUESTS_PER_S", "1000000")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    Ok((addr, command))
}

/// What a frame says, as far as it matters here.
#[derive(Debug, Deserialize)]
pub struct Frame {
    pub op: Option<String>,
    pub sequence: Option<i64>,
    pub subject: Option<String>,
    #[serde(rename = "tenantid")]
    pub tenant: Option<String>,
}

/// An open socket.
pub struct Client(WebSocketStream<TcpStream>);

impl Client {
    /// Gets a ticket from an API and opens a socket, there or elsewhere. One that asks for nothing of before is told of all
    /// that is done once it is open.
    pub async fn open(
        http: &reqwest::Client,
        api: &str,
        addr: SocketAddr,
        bearer: &str,
        query: &str,
    ) -> Outcome<Self> {
        let asked = http.post(format!("{api}/api/v1/ws/tickets")).bearer_auth(bearer).json(&());
        let answer: serde_json::Value = asked.send().await?.error_for_status()?.json().await?;
        let ticket = answer["ticket"].as_str().ok_or("no ticket")?;
        let mut request = format!("ws://{addr}/api/v1/ws?{query}").into_client_request()?;
        let protocols = HeaderValue::from_str(&format!("switchboard.v1, ticket.{ticket}"))?;
        request.headers_mut().insert("sec-websocket-protocol", protocols);
        let config = WebSocketConfig::default().read_buffer_size(4096);
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let mut client = Self(client_async_with_config(request, stream, Some(config)).await?.0);
        if !query.contains("since=") {
            client.next().await?.ok_or("a socket ended before it began")?;
        }
        Ok(client)
    }

    /// The next frame; none if the socket has ended.
    pub async fn next(&mut self) -> Outcome<Option<Frame>> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(serde_json::from_str(&text)?)),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(None),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Says goodbye, if somebody is there.
    pub async fn leave(mut self) {
        let _ = self.0.close(None).await;
        let _ = self.0.flush().await;
    }
}
