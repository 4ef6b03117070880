//! The command line, one file for each command that is more than a line.

mod audit;
mod doctor;
mod keys;
mod operators;
mod queues;
mod ready;
mod recover;
mod schedules;
pub(crate) mod serve;
mod tenants;
mod users;

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use clap::{Parser, Subcommand};
use domain::ctx::Platform;
use sqlx::postgres::PgConnectOptions;

use crate::{config::Config, postgres::guard, process::Roles, telemetry};

/// The automation backend of a multi-tenant call centre.
#[derive(Parser)]
#[command(version)]
pub struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

/// Flags that all commands share; they win over the environment and `switchboard.toml`.
#[derive(clap::Args)]
struct Flags {
    /// A Postgres of yours, for example `postgres://user@host/switchboard`; none starts a private one.
    #[arg(long, global = true, env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Where this installation keeps its key and its private Postgres.
    #[arg(long, global = true)]
    data_dir: Option<PathBuf>,
    /// The folder of Postgres's server binaries.
    #[arg(long, global = true)]
    pg_bindir: Option<PathBuf>,
    /// Where the API listens, for example 127.0.0.1:8080.
    #[arg(long, global = true)]
    listen: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Everything in one process: Postgres if none is named, the schema, API, workers, notifier.
    Up,
    /// Show the main job: a tenant, agents, leads; import, score, route, one e-mail each.
    Demo(crate::demo::Wishes),
    /// Some roles, against a Postgres that is there and migrated.
    Serve {
        /// Any of api, worker, scheduler, notifier, with commas between them.
        #[arg(long)]
        role: Roles,
    },
    /// Bring the database's schema up to date, as its owner.
    Migrate,
    /// Tenants of this installation.
    #[command(subcommand)]
    Tenants(tenants::Command),
    /// Who runs this installation: they make and bound tenants over the API, and look into them.
    #[command(subcommand)]
    Operators(operators::Command),
    /// Ways back in for a user whom no admin of their tenant can help.
    #[command(subcommand)]
    Users(users::Command),
    /// The keys of the installation.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Queues over all tenants: depth, pauses, limits, weights.
    #[command(subcommand)]
    Queues(queues::Command),
    /// What begins by itself: the product's own upkeep, or a tenant's schedules.
    #[command(subcommand)]
    Schedules(schedules::Command),
    /// The record of who did what.
    #[command(subcommand)]
    Audit(audit::Command),
    /// After the database was restored to an earlier moment: forget again who was erased since, settle what may have been
    /// sent since, and let work go on.
    Recover(recover::Wishes),
    /// Show what is found on this machine and what is missing.
    Doctor,
    /// Ask the process on this machine whether it takes work in; for containers.
    Ready,
    /// Print the description of the API.
    Openapi,
    /// Print the description of the sockets.
    Asyncapi,
    /// Print who may do what.
    Permissions,
    /// Print what the numbers of reports mean.
    Measures,
    /// Print what is told to whoever watches, and what it means.
    Metrics,
    #[command(hide = true)]
    PostgresGuard(guard::Orders),
}

/// What went wrong, in words for whoever typed the command.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Runs what the command line asks for.
pub async fn run(cli: Cli) -> ExitCode {
    match dispatch(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("switchboard: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let config = match cli.command {
        Command::PostgresGuard(orders) => return Ok(guard::run(orders).await?),
        Command::Openapi => {
            print!("{}", crate::http::openapi::text());
            return Ok(());
        }
        Command::Asyncapi => {
            print!("{}", crate::live::asyncapi::text());
            return Ok(());
        }
        Command::Permissions => {
            print!("{}", domain::access::four_roles::page());
            return Ok(());
        }
        Command::Measures => {
            print!("{}", domain::analytics::measures::page());
            return Ok(());
        }
        Command::Metrics => {
            print!("{}", telemetry::catalogue::page());
            return Ok(());
        }
        _ => cli.flags.config()?,
    };
    telemetry::start(config.log_format);
    match cli.command {
        Command::Up => serve::up(config).await,
        Command::Serve { role } => serve::serve(config, role).await,
        Command::Demo(wishes) => crate::demo::run(config, wishes).await,
        Command::Migrate => serve::migrate(&external(&config)?).await,
        Command::Tenants(command) => tenants::run(&config, command).await,
        Command::Operators(command) => operators::run(&config, command).await,
        Command::Users(command) => users::run(&config, command).await,
        Command::Keys(command) => keys::run(&config, command).await,
        Command::Queues(command) => queues::run(&config, command).await,
        Command::Schedules(command) => schedules::run(&config, command).await,
        Command::Audit(command) => audit::run(&config, command).await,
        Command::Recover(wishes) => recover::run(&config, wishes).await,
        Command::Doctor => doctor::run(&config).await,
        Command::Ready => ready::run(&config).await,
        Command::Openapi
        | Command::Asyncapi
        | Command::Permissions
        | Command::Measures
        | Command::Metrics
        | Command::PostgresGuard(_) => Ok(()),
    }
}

impl Flags {
    fn config(&self) -> Result<Config, config::ConfigError> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        Config::load(&[
            ("database_url", self.database_url.clone()),
            ("data_dir", path(&self.data_dir)),
            ("pg_bindir", path(&self.pg_bindir)),
            ("listen", self.listen.clone()),
        ])
    }
}

/// Does something with the installation and prints what was done, in words.
async fn do_and_say(
    config: &Config,
    act: impl AsyncFnOnce(&Platform) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let platform = serve::connect(config, &external(config)?).await?;
    let done = act(&platform).await;
    platform.engine.close().await;
    println!("{}", done?);
    Ok(())
}

/// The Postgres that the settings name.
fn external(config: &Config) -> Result<PgConnectOptions, Failure> {
    let url = config.database_url.as_deref().ok_or(
        "this needs a Postgres: name it with --database-url or DATABASE_URL (or use `switchboard up`)",
    )?;
    Ok(PgConnectOptions::from_str(url)
        .map_err(|error| format!("the database URL cannot be read: {error}"))?)
}
