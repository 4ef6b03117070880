//! A node: one incarnation of a process. It beats on a connection and a thread of its own, so that
//! neither a busy runtime nor an exhausted pool makes a living process look dead.

use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::Engine;

const BEAT: Duration = Duration::from_secs(5);

/// This process as the others see it. Dropping it does not end the beat; [`Node::leave`] does.
#[derive(Debug)]
pub struct Node {
    /// Fresh at each start.
    pub id: Uuid,
    registered: watch::Receiver<bool>,
    leave: CancellationToken,
    thread: std::thread::JoinHandle<()>,
}

impl Node {
    /// Registers a node and starts its heartbeat.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn join(engine: &Engine, name: &str, roles: &[&str], build: &str) -> std::io::Result<Self> {
        let id = Uuid::now_v7();
        let leave = CancellationToken::new();
        let (told, registered) = watch::channel(false);
        let heart = Heart {
            id,
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            build: build.to_owned(),
            connect: engine.system_options(),
            told,
            leave: leave.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("heartbeat".into())
            .spawn(move || runtime.block_on(heart.beat_until_leave()))?;
        Ok(Self { id, registered, leave, thread })
    }

    /// Resolves once the node is known to the others and may claim work.
    pub async fn registered(&self) {
        let mut registered = self.registered.clone();
        // The sender lives as long as the thread; its end means we are leaving anyway.
        let _ = registered.wait_for(|known| *known).await;
    }

    /// Strikes the node off; what it still held would be rescued at once by others.
    pub async fn leave(self) {
        self.leave.cancel();
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await;
        if !matches!(joined, Ok(Ok(()))) {
            tracing::warn!("the heartbeat thread ended badly");
        }
    }
}

struct Heart {
    id: Uuid,
    name: String,
    roles: Vec<String>,
    build: String,
    connect: PgConnectOptions,
    told: watch::Sender<bool>,
    leave: CancellationToken,
}

impl Heart {
    async fn beat_until_leave(self) {
        let mut connection: Option<PgConnection> = None;
        loop {
            let pause = match self.beat(&mut connection).await {
                Ok(()) => BEAT,
                Err(error) => {
                    tracing::warn!(%error, "heartbeat failed; trying again");
                    connection = None;
                    Duration::from_millis(500)
                }
            };
            tokio::select! {
                () = self.leave.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
        }
        if let Err(error) = self.strike_off(connection).await {
            tracing::warn!(%error, "could not strike the node off; others will find it silent");
        }
    }

    async fn beat(&self, connection: &mut Option<PgConnection>) -> sqlx::Result<()> {
        if connection.is_none() {
            *connection = Some(PgConnection::connect_with(&self.connect).await?);
        }
        let Some(conn) = connection.as_mut() else { return Ok(()) };
        // An upsert: a node declared dead while it was only asleep comes back under its name, but what
        // it held then is no longer its own.
        sqlx::query!(
            "insert into engine.nodes as n (id, name, roles, build) values ($1, $2, $3, $4)
             on conflict (id) do update set beat_at = clock_timestamp(), beats = n.beats + 1",
            self.id,
            self.name,
            &self.roles,
            self.build
        )
        .execute(conn)
        .await?;
        self.told.send_replace(true);
        Ok(())
    }

    async fn strike_off(&self, connection: Option<PgConnection>) -> sqlx::Result<()> {
        let mut conn = match connection {
            Some(conn) => conn,
            None => PgConnection::connect_with(&self.connect).await?,
        };
        sqlx::query!(
            "delete from engine.nodes n where id = $1
              and not exists (select from engine.jobs j where j.node = n.id)",
            self.id
        )
        .execute(&mut conn)
        .await?;
        conn.close().await
    }
}
