//! A way to Postgres on which every statement has to be waited for.
//!
//! A server may answer before its client looks: then a future that asks several things goes on from one to the next
//! within one poll, the more so the busier the machine is. Here what is asked and what is answered is carried by tasks of
//! the test's own runtime. That has one thread, so nothing is carried while somebody else is being polled.

use std::io;

use engine::{Engine, Settings};
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::{TcpStream, UnixListener, UnixStream},
    runtime::{Handle, RuntimeFlavor},
};
use uuid::Uuid;

use crate::{Database, app::folder};

/// An engine that reaches the database on such a way. It lasts as long as the runtime.
///
/// # Panics
/// If the runtime has several threads, or Postgres refuses.
pub async fn engine(database: &Database) -> Engine {
    let connect = begin(&database.owner).expect("a socket to listen on");
    let settings = Settings { connect, app_connections: 5, system_connections: 5 };
    Engine::connect(settings).await.expect("the engine connects")
}

/// Carries whatever connects by the options answered.
fn begin(to: &PgConnectOptions) -> io::Result<PgConnectOptions> {
    let runtime = Handle::current();
    let flavor = runtime.runtime_flavor();
    assert_eq!(flavor, RuntimeFlavor::CurrentThread, "another thread would carry while this one asks");
    // The path of a socket must be short.
    let name = Uuid::now_v7().simple().to_string();
    let near = folder().join(&name[20..]);
    std::fs::create_dir_all(&near)?;
    let listener = UnixListener::bind(near.join(format!(".s.PGSQL.{}", to.get_port())))?;
    let far = to.clone();
    runtime.spawn(async move {
        while let Ok((asking, _)) = listener.accept().await {
            let far = far.clone();
            tokio::spawn(async move {
                // It ends with either side.
                let _ = carry(asking, &far).await;
            });
        }
    });
    Ok(to.clone().socket(near))
}

async fn carry(asking: UnixStream, to: &PgConnectOptions) -> io::Result<()> {
    let folder = to.get_socket().map(|path| path.to_string_lossy().into_owned());
    match folder.or_else(|| Some(to.get_host().to_owned()).filter(|host| host.starts_with('/'))) {
        Some(folder) => {
            both(asking, UnixStream::connect(format!("{folder}/.s.PGSQL.{}", to.get_port())).await?).await
        }
        None => both(asking, TcpStream::connect((to.get_host(), to.get_port())).await?).await,
    }
}

async fn both(mut asking: UnixStream, mut server: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
    copy_bidirectional(&mut asking, &mut server).await.map(drop)
}
