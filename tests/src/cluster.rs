//! A Postgres of a test's own, as an installation has one whose backups can be trusted: its write-ahead log goes into an
//! archive, a base backup is taken of it, it is lost, and it is restored to a moment. The commands are those of
//! docs/backups.md.

use std::{
    env, fs,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    time::Duration,
};

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use switchboard::postgres::{locate, supervisor::Owner};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use crate::app::folder;

const SUPERUSER: &str = "switchboard";
/// How long anything here may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at something that says nothing by itself.
const LOOK: Duration = Duration::from_millis(20);

/// A server that runs, or was lost.
pub struct Cluster {
    /// Holds `data`, `archive`, `base`, the socket and the log.
    pub home: PathBuf,
    /// Of its database `postgres`.
    pub connect: PgConnectOptions,
    bindir: PathBuf,
    owner: Option<Owner>,
    server: Option<Child>,
}

impl Cluster {
    /// Makes one and starts it.
    ///
    /// # Panics
    /// If Postgres is not on this machine, or refuses.
    pub async fn start() -> Self {
        let asked = env::var_os("SWITCHBOARD_PG_BINDIR").map(PathBuf::from);
        let bindir = locate::locate(asked.as_deref()).expect("Postgres is on this machine").dir;
        // Short, for it holds a socket.
        let home = folder().join(format!("cluster-{}", std::process::id()));
        fs::create_dir_all(home.join("archive")).expect("a folder");
        let user = server_user();
        if let Some((uid, gid)) = user {
            for path in [home.clone(), home.join("archive")] {
                chown(path, Some(uid), Some(gid)).expect("it is given away");
            }
        }
        let owner = user.map(|(uid, gid)| format!("{uid}:{gid}").parse::<Owner>().expect("a user"));
        let connect = PgConnectOptions::new_without_pgpass().socket(&home).username(SUPERUSER);
        let mut cluster = Self { connect: connect.database("postgres"), home, bindir, owner, server: None };
        let data = cluster.home.join("data");
        let mut initdb = cluster.command("initdb");
        initdb.arg("-D").arg(&data).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]);
        done(initdb).await;
        cluster.serve(&[]).await;
        cluster
    }

    /// A base backup of all of it, into the folder `base`.
    ///
    /// # Panics
    /// If `pg_basebackup` fails.
    pub async fn back_up(&self) {
        let mut command = self.command("pg_basebackup");
        command.arg("-h").arg(&self.home).args(["-U", SUPERUSER, "-w", "--checkpoint=fast", "--no-sync"]);
        command.arg("-D").arg(self.home.join("base"));
        done(command).await;
    }

    /// Ends the segment that is written to, and waits until the archive has it.
    ///
    /// # Panics
    /// If it does not come there.
    pub async fn archive(&self) {
        let mut conn = PgConnection::connect_with(&self.connect).await.expect("a connection");
        let switch = "select pg_walfile_name(pg_switch_wal())";
        let segment: String = sqlx::query_scalar(switch).fetch_one(&mut conn).await.expect("a segment");
        let file = self.home.join("archive").join(segment);
        within("the archive has it", || file.exists()).await;
    }

    /// What a machine that burns does: the server is killed (SIGKILL), and its data folder is gone.
    ///
    /// # Panics
    /// If it had ended by itself.
    pub async fn lose(&mut self) {
        let mut server = self.server.take().expect("it runs");
        let ended = server.try_wait().expect("a state");
        assert!(ended.is_none(), "Postgres ended by itself: {}", log_of(&self.home));
        server.kill().await.expect("it can be killed");
        let data = self.home.join("data");
        // What the server began ends as it finds itself alone, and may write until then.
        within("the data folder is gone", || fs::remove_dir_all(&data).is_ok() || !data.exists()).await;
    }

    /// Restores the base backup, and what the archive says came after it, up to a moment; then it takes writes.
    ///
    /// # Panics
    /// If Postgres does not come to that moment.
    pub async fn restore(&mut self, moment: &str) {
        let (base, data) = (self.home.join("base"), self.home.join("data"));
        fs::rename(base, &data).expect("a base backup");
        fs::write(data.join("recovery.signal"), "").expect("a file");
        let archive = self.home.join("archive");
        self.serve(&[
            format!("restore_command=cp {}/%f %p", archive.display()),
            format!("recovery_target_time={moment}"),
            "recovery_target_action=pause".into(),
        ])
        .await;
        let mut conn = PgConnection::connect_with(&self.connect).await.expect("a connection");
        let reached = async {
            let state = "select pg_get_wal_replay_pause_state() = 'paused'";
            while !sqlx::query_scalar::<_, bool>(state).fetch_one(&mut conn).await.expect("an answer") {
                tokio::time::sleep(LOOK).await;
            }
        };
        timeout(PATIENCE, reached).await.expect("it comes to the moment");
        let mut promote = self.command("pg_ctl");
        promote.arg("-D").arg(&data).args(["-w", "promote"]);
        done(promote).await;
    }

    /// Starts the server and waits until it answers.
    async fn serve(&mut self, recovery: &[String]) {
        let archive = self.home.join("archive");
        let keep = format!(
            "archive_command=test ! -f {0}/%f && cp %p {0}/%f.part && mv {0}/%f.part {0}/%f",
            archive.display()
        );
        let log = fs::File::options().create(true).append(true).open(self.home.join("log")).expect("a log");
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.home.join("data")).arg("-k").arg(&self.home);
        // The process is killed here, not the machine: what was written is in the kernel's hands.
        let usual =
            ["listen_addresses=", "max_connections=200", "archive_mode=on", "fsync=off", keep.as_str()];
        for setting in usual.into_iter().chain(recovery.iter().map(String::as_str)) {
            server.arg("-c").arg(setting);
        }
        server.stdin(Stdio::null()).stdout(log.try_clone().expect("a log")).stderr(log).kill_on_drop(true);
        let mut server = server.spawn().expect("Postgres starts");
        let answers = async {
            while PgConnection::connect_with(&self.connect).await.is_err() {
                let ended = server.try_wait().expect("a state");
                assert!(ended.is_none(), "Postgres ended: {}", log_of(&self.home));
                tokio::time::sleep(LOOK).await;
            }
        };
        let answered = timeout(PATIENCE, answers).await;
        answered.unwrap_or_else(|_| panic!("Postgres does not answer: {}", log_of(&self.home)));
        self.server = Some(server);
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.bindir.join(program));
        Owner::apply(self.owner, &mut command);
        command
    }
}

/// Whoever may run Postgres where we may not: the one that the Postgres of all tests belongs to.
fn server_user() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").map_or(1, |me| me.uid()) != 0 {
        return None;
    }
    let url = env::var("DATABASE_URL").expect("DATABASE_URL is missing: run the tests by `./x test`");
    let all = PgConnectOptions::from_str(&url).expect("DATABASE_URL is a Postgres URL");
    let folder = all.get_socket().expect("the Postgres of all tests has a socket");
    let socket = fs::metadata(folder.join(format!(".s.PGSQL.{}", all.get_port()))).expect("a socket");
    Some((socket.uid(), socket.gid()))
}

async fn within(what: &str, holds: impl Fn() -> bool) {
    let held = async {
        while !holds() {
            tokio::time::sleep(LOOK).await;
        }
    };
    timeout(PATIENCE, held).await.unwrap_or_else(|_| panic!("it does not come to this: {what}"));
}

fn log_of(home: &Path) -> String {
    fs::read_to_string(home.join("log")).unwrap_or_default()
}

/// Runs a command to its good end.
async fn done(mut command: Command) {
    let ran = command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("it starts");
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}
