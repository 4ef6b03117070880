//! The command line, one file for each command that is more than a line: `docs/cli.md` lists them all.
//!
//! - [`output`] what is printed, [`progress`] what moves meanwhile, [`exit`] how it ends
//! - [`tenant`] whose things a command is about; [`values`] what it is told; [`operation`] waiting for work

mod archive;
mod audit;
mod campaigns;
mod doctor;
mod exit;
mod jobs;
mod keys;
mod leads;
mod operation;
mod operators;
mod output;
mod privacy;
mod progress;
mod providers;
mod queues;
mod ready;
mod recover;
mod report;
mod schedules;
pub(crate) mod serve;
mod settings;
mod templates;
mod tenant;
mod tenants;
#[cfg(test)]
mod tests;
mod users;
mod values;
mod workflows;

use std::{path::PathBuf, process::ExitCode, str::FromStr};

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use domain::ctx::Platform;
use sqlx::postgres::PgConnectOptions;

use self::{exit::Exit, output::Form};

use crate::{
    config::Config,
    postgres::{guard, supervisor},
    process::Roles,
    telemetry::{self, traces::Traces},
};

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
    /// How what is found and done is printed.
    #[arg(short, long, global = true, value_enum, default_value_t)]
    output: Form,
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
    Migrate {
        /// Take nothing away that processes of an older build may still use.
        #[arg(long)]
        expand: bool,
    },
    /// What was asked for and what became of it: jobs of one tenant or of all.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Runs of procedures of many steps.
    #[command(subcommand)]
    Workflows(workflows::Command),
    /// Campaigns as they are steered.
    #[command(subcommand)]
    Campaigns(campaigns::Command),
    /// Leads from a file.
    #[command(subcommand)]
    Leads(leads::Command),
    /// Accounts by which messages leave.
    #[command(subcommand)]
    Providers(providers::Command),
    /// What messages say.
    #[command(subcommand)]
    Templates(templates::Command),
    /// A report, made at once.
    Report(report::Wishes),
    /// What people ask for about their data.
    #[command(subcommand)]
    Privacy(privacy::Command),
    /// Old logs that have left the database for files.
    #[command(subcommand)]
    Archive(archive::Command),
    /// Tenants of this installation.
    #[command(subcommand)]
    Tenants(tenants::Command),
    /// Who runs this installation: they make and bound tenants over the API, and look into them.
    #[command(subcommand)]
    Operators(operators::Command),
    /// Users, and ways back in for one whom no admin of their tenant can help.
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
    /// The settings by all their sources, and whether they can be used.
    #[command(subcommand)]
    Config(settings::Command),
    /// Show what is found on this machine and what is missing.
    Doctor,
    /// Ask the process on this machine whether it takes work in; for containers.
    Ready,
    /// Print what a shell needs to complete commands.
    Completions { shell: Shell },
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
        Err(failure) => exit::told(&*failure),
    }
}

async fn dispatch(cli: Cli) -> Result<(), Failure> {
    let Cli { flags, command } = cli;
    if let Command::PostgresGuard(orders) = command {
        return Ok(guard::run(orders).await?);
    }
    if let Some(text) = said(&command) {
        return output::written(&text);
    }
    let (config, form) = (flags.config()?, flags.output);
    // Commands that run until they are told to stop tell traces; what the others do is told by the processes that they ask.
    let settings = match command {
        Command::Up | Command::Serve { .. } => config.traces()?,
        _ => None,
    };
    let traces = settings.map(|settings| Traces::start(&settings)).transpose()?;
    telemetry::start(config.log_format, traces.as_ref().map(Traces::tracer));
    let done = Box::pin(act(command, config, form)).await;
    if let Some(traces) = traces {
        traces.stop().await;
    }
    done
}

async fn act(command: Command, config: Config, form: Form) -> Result<(), Failure> {
    match command {
        Command::Up => serve::up(config).await,
        Command::Serve { role } => serve::serve(config, role).await,
        Command::Demo(wishes) => crate::demo::run(config, wishes).await,
        Command::Migrate { expand: false } => serve::migrate(&external(&config)?).await,
        Command::Migrate { expand: true } => serve::expand(&external(&config)?).await,
        Command::Jobs(command) => jobs::run(&config, form, command).await,
        Command::Workflows(command) => workflows::run(&config, form, command).await,
        Command::Campaigns(command) => campaigns::run(&config, form, command).await,
        Command::Leads(command) => leads::run(&config, form, command).await,
        Command::Providers(command) => providers::run(&config, form, command).await,
        Command::Templates(command) => templates::run(&config, form, command).await,
        Command::Report(wishes) => report::run(&config, wishes).await,
        Command::Privacy(command) => privacy::run(&config, form, command).await,
        Command::Archive(command) => archive::run(&config, form, command).await,
        Command::Tenants(command) => tenants::run(&config, form, command).await,
        Command::Operators(command) => operators::run(&config, form, command).await,
        Command::Users(command) => users::run(&config, form, command).await,
        Command::Keys(command) => keys::run(&config, form, command).await,
        Command::Queues(command) => queues::run(&config, form, command).await,
        Command::Schedules(command) => schedules::run(&config, form, command).await,
        Command::Audit(command) => audit::run(&config, form, command).await,
        Command::Recover(wishes) => recover::run(&config, wishes).await,
        Command::Config(command) => settings::run(&config, form, command).await,
        Command::Doctor => doctor::run(&config, form).await,
        Command::Ready => ready::run(&config).await,
        Command::Openapi
        | Command::Asyncapi
        | Command::Permissions
        | Command::Measures
        | Command::Metrics
        | Command::Completions { .. }
        | Command::PostgresGuard(_) => Ok(()),
    }
}

/// What a command says that needs no settings.
fn said(command: &Command) -> Option<Vec<u8>> {
    let text = match command {
        Command::Openapi => crate::http::openapi::text(),
        Command::Asyncapi => crate::live::asyncapi::text(),
        Command::Permissions => domain::access::four_roles::page(),
        Command::Measures => domain::analytics::measures::page(),
        Command::Metrics => telemetry::catalogue::page(),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "switchboard", &mut script);
            return Some(script);
        }
        _ => return None,
    };
    Some(text.into_bytes())
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

/// Does something with the installation.
async fn with_platform<T>(
    config: &Config,
    act: impl AsyncFnOnce(&Platform) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let platform = serve::connect(config, &beside(config)?).await?;
    let done = Box::pin(act(&platform)).await;
    // Whose data was opened here is written down before the process is gone.
    platform.reads.write(&platform).await;
    platform.engine.close().await;
    done
}

/// The Postgres that the settings name; without one the private one of the data folder, which `up` or the demo runs.
fn beside(config: &Config) -> Result<PgConnectOptions, Failure> {
    if config.database_url.is_none()
        && let Some(private) = supervisor::beside(&config.data_dir)?
    {
        return Ok(private);
    }
    external(config)
}

/// The Postgres that the settings name.
fn external(config: &Config) -> Result<PgConnectOptions, Failure> {
    let url = config.database_url.as_deref().ok_or_else(|| {
        Exit::Usage.because(
            "this needs a Postgres: name it with --database-url or DATABASE_URL (or use `switchboard up`)",
        )
    })?;
    PgConnectOptions::from_str(url)
        .map_err(|error| Exit::Usage.because(format!("the database URL cannot be read: {error}")))
}
