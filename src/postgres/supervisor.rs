//! Makes the data folder, starts the guard, waits until Postgres answers.

use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Stdio,
    str::FromStr,
    time::Duration,
};

use sha2::{Digest, Sha256};
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{
    io::AsyncReadExt,
    process::{Child, ChildStdin, Command},
    time::Instant,
};

use super::{guard::STARTED, locate::Binaries};

const SUPERUSER: &str = "switchboard";
const DATABASE: &str = "switchboard";
/// How long recovery after a crash may take before we give up waiting.
const PATIENCE: Duration = Duration::from_mins(2);
/// A Unix socket's path has 108 bytes on Linux, 104 on macOS; the file's own name takes 20.
const LONGEST_SOCKET_DIR: usize = 80;

/// The user that Postgres runs as, when we are root: `initdb` refuses root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    uid: u32,
    gid: u32,
}

impl FromStr for Owner {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = |part: &str| part.parse().map_err(|_| format!("`{text}` is not uid:gid"));
        let (uid, gid) = text.split_once(':').ok_or_else(|| format!("`{text}` is not uid:gid"))?;
        Ok(Self { uid: read(uid)?, gid: read(gid)? })
    }
}

impl Owner {
    /// None unless we are root; then `postgres`, else the sudo user, else `nobody`.
    fn needed() -> io::Result<Option<Self>> {
        if fs::metadata("/proc/self").map_or(1, |me| me.uid()) != 0 {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd")?;
        let sudo = env::var("SUDO_USER").unwrap_or_default();
        let found = ["postgres", &sudo, "nobody"].into_iter().find_map(|name| Self::named(&users, name));
        let none =
            || io::Error::other("Postgres refuses to run as root and there is no other user to run it as");
        found.map(Some).ok_or_else(none)
    }

    fn named(users: &str, name: &str) -> Option<Self> {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Self { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }

    /// Makes a command run as this user.
    pub fn apply(owner: Option<Self>, command: &mut Command) {
        command.current_dir("/");
        if let Some(owner) = owner {
            command.uid(owner.uid).gid(owner.gid);
        }
    }

    fn own(owner: Option<Self>, path: &Path) -> io::Result<()> {
        let Some(owner) = owner else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid))
    }
}

/// A private Postgres under its guard. Dropping it closes the guard's input, so it stops; `stop`
/// waits for that.
pub struct Embedded {
    pub connect: PgConnectOptions,
    guard: Child,
    /// Held open for as long as Postgres is to run.
    lifeline: Option<ChildStdin>,
}

impl Embedded {
    /// Starts Postgres on `data_dir/postgres`, making it at the first start.
    ///
    /// # Errors
    /// A sentence that says what stands in the way.
    pub async fn start(binaries: &Binaries, data_dir: &Path, durable: bool) -> io::Result<Self> {
        let owner = Owner::needed()?;
        let home = home(data_dir, owner)?;
        check_major(&home, binaries)?;
        if !home.join("data/PG_VERSION").exists() {
            init(binaries, &home, owner).await?;
        }
        let sockets = sockets(&home, owner)?;
        let mut guard = Command::new(env::current_exe()?);
        guard.arg("postgres-guard").arg("--bindir").arg(&binaries.dir);
        guard.arg("--home").arg(&home).arg("--sockets").arg(&sockets);
        if let Some(Owner { uid, gid }) = owner {
            guard.arg("--owner").arg(format!("{uid}:{gid}"));
        }
        if durable {
            guard.arg("--durable");
        }
        guard.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = guard.spawn()?;
        let lifeline = guard.stdin.take();
        let mut embedded = Self { connect: options(&sockets).database("postgres"), guard, lifeline };
        embedded.ready(&home).await?;
        embedded.connect = embedded.connect.database(DATABASE);
        Ok(embedded)
    }

    /// Waits until the guard has the folder and the server answers, then sees to the database.
    async fn ready(&mut self, home: &Path) -> io::Result<()> {
        let mut word = [0; STARTED.len()];
        let mut said = self.guard.stdout.take().ok_or_else(|| io::Error::other("the guard has no voice"))?;
        if said.read_exact(&mut word).await.is_err() {
            return Err(self.complaint().await);
        }
        let until = Instant::now() + PATIENCE;
        let mut conn = loop {
            match PgConnection::connect_with(&self.connect).await {
                Ok(conn) => break conn,
                Err(_) if self.guard.try_wait()?.is_some() => return Err(self.complaint().await),
                Err(error) if Instant::now() > until => {
                    let log = home.join("log");
                    return Err(io::Error::other(format!(
                        "Postgres does not answer: {error}; see {}",
                        log.display()
                    )));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
            .bind(DATABASE)
            .fetch_one(&mut conn)
            .await
            .map_err(io::Error::other)?;
        if !exists {
            sqlx::query("create database switchboard").execute(&mut conn).await.map_err(io::Error::other)?;
        }
        conn.close().await.map_err(io::Error::other)
    }

    async fn complaint(&mut self) -> io::Error {
        let mut text = String::new();
        if let Some(mut stderr) = self.guard.stderr.take() {
            // What could be read is told; there is nobody else to ask.
            let _ = stderr.read_to_string(&mut text).await;
        }
        let text = text.trim().trim_start_matches("switchboard: ");
        io::Error::other(
            if text.is_empty() { "the guard of Postgres ended without a word" } else { text }.to_owned(),
        )
    }

    /// Resolves if Postgres ends by itself.
    pub async fn ended(&mut self) -> io::Error {
        match self.guard.wait().await {
            Ok(_) => self.complaint().await,
            Err(error) => error,
        }
    }

    /// Stops Postgres and waits until it has.
    ///
    /// # Errors
    /// If the guard cannot be waited for.
    pub async fn stop(mut self) -> io::Result<()> {
        drop(self.lifeline.take());
        self.guard.wait().await.map(drop)
    }
}

fn options(sockets: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(sockets).username(SUPERUSER)
}

/// Where the private Postgres of a data folder answers while somebody runs it; none if the folder has none. Whether it runs
/// is not looked at.
///
/// # Errors
/// If it cannot be said which user it would run as.
pub fn beside(data_dir: &Path) -> io::Result<Option<PgConnectOptions>> {
    let Ok(data_dir) = fs::canonicalize(data_dir) else { return Ok(None) };
    let home = place(&data_dir, Owner::needed()?);
    let made = home.join("data/PG_VERSION").exists();
    Ok(made.then(|| options(&socket_dir(&home)).database(DATABASE)))
}

/// The folder of the server's own files.
fn home(data_dir: &Path, owner: Option<Owner>) -> io::Result<PathBuf> {
    fs::create_dir_all(data_dir)?;
    let home = place(&fs::canonicalize(data_dir)?, owner);
    if let Some(parent) = home.parent() {
        fs::create_dir_all(parent)?;
    }
    private(&home, owner)?;
    Ok(home)
}

/// Where that folder is: outside of what the server's user cannot reach.
fn place(data_dir: &Path, owner: Option<Owner>) -> PathBuf {
    let hidden =
        |dir: &&Path| fs::metadata(dir).map_or(true, |found| found.permissions().mode() & 0o001 == 0);
    match owner {
        Some(_) if data_dir.ancestors().find(hidden).is_some() => {
            Path::new("/var/lib/switchboard").join(short(data_dir))
        }
        _ => data_dir.join("postgres"),
    }
}

fn sockets(home: &Path, owner: Option<Owner>) -> io::Result<PathBuf> {
    let dir = socket_dir(home);
    private(&dir, owner)?;
    Ok(dir)
}

/// Near the server's files, unless the path would be too long for a socket.
fn socket_dir(home: &Path) -> PathBuf {
    let near = home.join("run");
    if near.as_os_str().len() <= LONGEST_SOCKET_DIR {
        near
    } else {
        env::temp_dir().join(format!("sb-{}", short(home)))
    }
}

/// Makes a folder that only its owner enters, and refuses one that others prepared.
fn private(dir: &Path, owner: Option<Owner>) -> io::Result<()> {
    if let Err(error) = fs::DirBuilder::new().mode(0o700).create(dir)
        && error.kind() != io::ErrorKind::AlreadyExists
    {
        return Err(error);
    }
    let found = fs::symlink_metadata(dir)?;
    let me = fs::metadata("/proc/self").map_or(found.uid(), |me| me.uid());
    let ours = found.uid() == me || owner.is_some_and(|owner| owner.uid == found.uid());
    if !found.is_dir() || !ours {
        return Err(io::Error::other(format!("{} belongs to someone else; remove it", dir.display())));
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    Owner::own(owner, dir)
}

/// A short name for a long path.
fn short(path: &Path) -> String {
    let hash = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let (start, _) = hash.split_at(8);
    format!("{:016x}", start.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn check_major(home: &Path, binaries: &Binaries) -> io::Result<()> {
    let Ok(made) = fs::read_to_string(home.join("data/PG_VERSION")) else { return Ok(()) };
    let made = made.trim();
    if made == binaries.major.to_string() {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} was made by PostgreSQL {made} and {} is version {}; name the old one with --pg-bindir, or move the data with pg_upgrade",
        home.join("data").display(),
        binaries.dir.display(),
        binaries.major
    )))
}

/// `initdb` into a draft that takes its name only when it is whole.
async fn init(binaries: &Binaries, home: &Path, owner: Option<Owner>) -> io::Result<()> {
    let draft = home.join("data.draft");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    let mut initdb = Command::new(binaries.dir.join("initdb"));
    initdb.arg("-D").arg(&draft).args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"]);
    Owner::apply(owner, &mut initdb);
    let done = initdb.stdin(Stdio::null()).output().await?;
    if !done.status.success() {
        let words = String::from_utf8_lossy(&done.stderr);
        return Err(io::Error::other(format!("initdb failed: {}", words.trim())));
    }
    fs::rename(&draft, home.join("data"))
}
