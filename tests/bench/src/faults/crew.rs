//! Worker processes that can be killed, stopped, continued and told to end.

use std::{path::Path, process::Stdio};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdin, Command},
};

use super::site::Site;
use crate::Outcome;

/// A worker process. Killed when it is dropped.
pub struct Hand {
    child: Child,
    pub process: u32,
    _input: Option<ChildStdin>,
}

/// How a worker is to be.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// Its clock is so many minutes off.
    pub clock_minutes: i32,
}

impl Hand {
    /// Starts a worker and waits until it claims.
    pub async fn start(site: &Site, manner: Manner) -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("fault-worker").arg(site.connect.to_url_lossy().as_str()).arg(site.ledger());
        if manner.clock_minutes != 0 {
            command.env("LD_PRELOAD", super::clock::library()?);
            command.env("FAKETIME", format!("{:+}m", manner.clock_minutes));
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let stdout = child.stdout.take().ok_or("a worker without an output")?;
        let ready = BufReader::new(stdout).lines().next_line().await?;
        let said = ready.as_deref().and_then(|line| line.strip_prefix("ready "));
        let clock: i64 = said.ok_or_else(|| format!("a worker did not begin: {ready:?}"))?.parse()?;
        let off_s = clock - super::worker::wall_clock();
        if (off_s - 60 * i64::from(manner.clock_minutes)).abs() > 30 {
            return Err(
                format!("its clock should be {} min off and is {off_s} s", manner.clock_minutes).into()
            );
        }
        Self::of(child)
    }

    fn of(mut child: Child) -> Outcome<Self> {
        let process = child.id().ok_or("a worker ended at once")?;
        let input = child.stdin.take();
        Ok(Self { child, process, _input: input })
    }

    /// Starts a worker of the product itself, from the binary beside this one.
    pub fn product(site: &Site, key: &str) -> Outcome<Self> {
        Self::serving(&site.connect, &site.home(), key)
    }

    /// The same on any database; it may call servers on this machine. Its files go to `home`.
    pub fn serving(connect: &PgConnectOptions, home: &Path, key: &str) -> Outcome<Self> {
        let child = Command::new(std::env::current_exe()?.with_file_name("switchboard"))
            .args(["serve", "--role", "worker,scheduler", "--data-dir"])
            .arg(home)
            .env("DATABASE_URL", connect.to_url_lossy().as_str())
            .env("SWITCHBOARD_KEY", key)
            .env("SWITCHBOARD_ALLOW_LOOPBACK", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        Self::of(child)
    }

    /// SIGKILL.
    pub async fn kill(mut self) -> Outcome<()> {
        self.child.kill().await?;
        Ok(())
    }

    /// A signal by its name without SIG.
    pub async fn signal(&self, name: &str) -> Outcome<()> {
        signal(self.process, name).await
    }

    /// Waits until it has ended; answers whether it ended well.
    pub async fn ended(&mut self) -> Outcome<bool> {
        Ok(self.child.wait().await?.success())
    }

    /// Whether it has not ended.
    pub fn lives(&mut self) -> Outcome<bool> {
        Ok(self.child.try_wait()?.is_none())
    }
}

/// Sends a signal. The shell's own `kill` is on every machine.
pub async fn signal(process: u32, name: &str) -> Outcome<()> {
    let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &process.to_string()]).status();
    if sent.await?.success() { Ok(()) } else { Err(format!("no process {process} took SIG{name}").into()) }
}
