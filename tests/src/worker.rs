//! A worker as a process of its own, so that it can be killed.

use std::{env, process::Stdio};

use sqlx::ConnectOptions;
use tokio::process::{Child, Command};

use crate::{Database, app::KEY};

/// A `switchboard serve --role worker,scheduler` on the test's database.
pub struct Worker {
    child: Child,
}

impl Worker {
    /// # Panics
    /// If the binary is missing: run the tests by `./x test`.
    #[must_use]
    pub fn start(database: &Database) -> Self {
        Self::start_with(database, &[])
    }

    /// The same with some settings besides.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_with(database: &Database, settings: &[(&str, &str)]) -> Self {
        Self::start_as(database, "worker,scheduler", settings)
    }

    /// The same with other roles.
    ///
    /// # Panics
    /// As [`Self::start`].
    #[must_use]
    pub fn start_as(database: &Database, roles: &str, settings: &[(&str, &str)]) -> Self {
        let binary = env::var("TEST_BINARY").expect("TEST_BINARY is missing: run the tests by `./x test`");
        let child = Command::new(binary)
            .args(["serve", "--role", roles])
            .env("DATABASE_URL", database.owner.to_url_lossy().as_str())
            .env("SWITCHBOARD_KEY", KEY)
            .env("SWITCHBOARD_ALLOW_LOOPBACK", "true")
            .env("SWITCHBOARD_DATA_DIR", crate::app::folder())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        Self { child }
    }

    /// Kills it without a warning (SIGKILL) and waits until it is gone.
    ///
    /// # Panics
    /// If it had ended by itself.
    pub async fn kill(mut self) {
        assert!(self.child.try_wait().expect("a state").is_none(), "the worker ended by itself");
        self.child.kill().await.expect("it can be killed");
    }
}
