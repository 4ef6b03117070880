//! Everything behind `./x bench`: figures that are compared within one run.

mod database;
mod engine;

use clap::Parser;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures the engine on the Postgres that `DATABASE_URL` names.
#[derive(Debug, Parser)]
#[command(name = "bench")]
enum Command {
    /// Speed: drain, enqueue, pick-up, fairness, limits, idling.
    Engine(crate::engine::Args),
    /// A worker process of a measurement.
    #[command(hide = true)]
    Worker { concurrency: usize, takes_ms: u64 },
}

#[tokio::main]
async fn main() -> Outcome<()> {
    match Command::parse() {
        Command::Engine(args) => crate::engine::report(args).await,
        Command::Worker { concurrency, takes_ms } => crate::engine::worker(concurrency, takes_ms).await,
    }
}
