//! The command line: parses what is asked and starts it.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use sqlx::postgres::PgConnectOptions;

/// The automation backend of a multi-tenant call centre.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Bring the database's schema up to date.
    Migrate {
        /// The owner's connection, for example `postgres://owner@host/switchboard`.
        #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
        database_url: PgConnectOptions,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let done = match Cli::parse().command {
        Command::Migrate { database_url } => engine::Engine::migrate(&database_url).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("switchboard: {error}");
            ExitCode::FAILURE
        }
    }
}
