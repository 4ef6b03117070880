//! The guard: our own binary again, in a process group of its own. It starts Postgres as its child
//! and stops it cleanly when its standard input closes, which the kernel does for us whatever ends
//! the parent.

use std::{fs::File, io, path::PathBuf, process::Stdio, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
};

use super::supervisor::Owner;

/// How long a guard waits for the one before it to put its Postgres to rest.
const PATIENCE: Duration = Duration::from_secs(20);
/// What the guard says once Postgres runs under it.
pub const STARTED: &str = "started\n";

/// What the guard is told on its command line.
#[derive(Debug, clap::Args)]
pub struct Orders {
    #[arg(long)]
    pub bindir: PathBuf,
    /// Holds `data`, `run`, `log` and `lock`.
    #[arg(long)]
    pub home: PathBuf,
    /// Where the socket lies.
    #[arg(long)]
    pub sockets: PathBuf,
    /// `uid:gid` of the server.
    #[arg(long)]
    pub owner: Option<Owner>,
    /// Off for tests only.
    #[arg(long)]
    pub durable: bool,
}

/// Runs Postgres until standard input ends or the server does.
///
/// # Errors
/// If another guard keeps the folder, or the server ends by itself.
pub async fn run(orders: Orders) -> io::Result<()> {
    let _lock = lock(&orders).await?;
    let log = File::create(orders.home.join("log"))?;
    let mut server = Command::new(orders.bindir.join("postgres"));
    server.arg("-D").arg(orders.home.join("data")).arg("-k").arg(&orders.sockets);
    for setting in ["listen_addresses=", "max_connections=200", "shared_buffers=256MB"] {
        server.arg("-c").arg(setting);
    }
    if !orders.durable {
        server.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
    }
    Owner::apply(orders.owner, &mut server);
    let mut server = server.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?;
    tokio::io::stdout().write_all(STARTED.as_bytes()).await?;
    tokio::io::stdout().flush().await?;

    let mut input = tokio::io::stdin();
    let mut nothing = [0; 64];
    tokio::select! {
        ended = server.wait() => return Err(io::Error::other(format!(
            "Postgres ended by itself ({}); see {}", ended?, orders.home.join("log").display()
        ))),
        () = async { while matches!(input.read(&mut nothing).await, Ok(read) if read > 0) {} } => {}
    }
    let mut stop = Command::new(orders.bindir.join("pg_ctl"));
    stop.arg("-D").arg(orders.home.join("data")).args(["-m", "fast", "-w", "-t", "60", "stop"]);
    Owner::apply(orders.owner, &mut stop);
    stop.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
    server.wait().await?;
    Ok(())
}

/// Takes the folder for this guard. The lock goes with the process, whatever ends it.
async fn lock(orders: &Orders) -> io::Result<File> {
    let file = File::create(orders.home.join("lock"))?;
    let (told, locked) = tokio::sync::oneshot::channel();
    // A thread of its own: nobody waits for it when patience ends first.
    std::thread::spawn(move || told.send(file.lock().map(|()| file)));
    match tokio::time::timeout(PATIENCE, locked).await {
        Ok(locked) => locked.map_err(io::Error::other)?,
        Err(_) => Err(io::Error::other(format!(
            "another switchboard is using {}; stop it, or choose another --data-dir",
            orders.home.display()
        ))),
    }
}
