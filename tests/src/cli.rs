//! The command line, run as people and scripts run it: the real binary on the test's database.

use std::{env, process::Stdio};

use serde_json::Value;
use sqlx::ConnectOptions;
use tokio::process::Command;

use crate::{Database, app::KEY};

/// What a command came to.
#[derive(Debug)]
pub struct Ran {
    pub asked: String,
    /// None if it was killed.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// Runs a command of the installation that uses this database.
///
/// # Panics
/// If the binary is missing: run the tests by `./x test`.
pub async fn switchboard(database: &Database, words: &[&str]) -> Ran {
    ran(words, command(database, words).stdout(Stdio::piped())).await
}

/// The same, and whoever was to read what it prints is gone before it begins.
///
/// # Panics
/// As [`switchboard`](fn@switchboard).
pub async fn unread(database: &Database, words: &[&str]) -> Ran {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    ran(words, command(database, words).stdout(writer)).await
}

/// The same with other settings: an empty one is left out.
///
/// # Panics
/// As [`switchboard`](fn@switchboard).
pub async fn switchboard_with(database: &Database, settings: &[(&str, &str)], words: &[&str]) -> Ran {
    let mut command = command(database, words);
    for (name, value) in settings {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    ran(words, command.stdout(Stdio::piped())).await
}

fn command(database: &Database, words: &[&str]) -> Command {
    let binary = env::var("TEST_BINARY").expect("TEST_BINARY is missing: run the tests by `./x test`");
    let mut command = Command::new(binary);
    command
        .args(words)
        .env("DATABASE_URL", database.owner.to_url_lossy().as_str())
        .env("SWITCHBOARD_KEY", KEY)
        .env("SWITCHBOARD_ALLOW_LOOPBACK", "true")
        .env("SWITCHBOARD_DATA_DIR", crate::app::folder().join("machine"))
        .env("SWITCHBOARD_STORAGE", crate::app::files())
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

async fn ran(words: &[&str], command: &mut Command) -> Ran {
    let child = command.spawn().expect("the binary starts");
    let ran = child.wait_with_output().await.expect("it ends");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ran { asked: words.join(" "), code: ran.status.code(), out: text(ran.stdout), err: text(ran.stderr) }
}

impl Ran {
    /// Whether it ended so.
    ///
    /// # Panics
    /// With all that it said, if it ended otherwise.
    #[track_caller]
    pub fn ends(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{self:#?}");
    }

    /// The same, if it ended so.
    ///
    /// # Panics
    /// As [`Self::ends`].
    #[must_use]
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        self.ends(code);
        self
    }

    /// What was printed, as JSON.
    ///
    /// # Panics
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// The same of a JSON object a line.
    ///
    /// # Panics
    /// If a line is none.
    #[must_use]
    #[track_caller]
    pub fn lines(&self) -> Vec<Value> {
        let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {self:#?}"));
        self.out.lines().map(read).collect()
    }
}
