//! Everything behind `./x bench`: figures that are compared within one run.

mod access;
mod archive;
mod automation;
mod campaign;
mod dashboard;
mod database;
mod engine;
mod faults;
mod live;
mod messages;
mod privacy;
mod reports;
mod soak;
mod table;
mod workflows;

use clap::Parser;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Measures the engine on the Postgres that `DATABASE_URL` names.
#[derive(Debug, Parser)]
#[command(name = "bench")]
enum Command {
    /// Speed: drain, enqueue, pick-up, fairness, limits, idling.
    Engine(crate::table::Args),
    /// Workflows: steps a second, fan-out, a million that sleep.
    Workflows(crate::table::Args),
    /// Access: what it costs to know who asks, and how it bears those who guess and those who dawdle.
    Access(crate::table::Args),
    /// Archive: how fast a million rows of the audit log leave the database, and are verified from their file.
    Archive(crate::table::Args),
    /// Automation: how fast leads are scored, and how fast a page of the ranked list is.
    Automation(crate::table::Args),
    /// Sockets: what idle ones cost, how soon an event is with a thousand, how fast what was missed is told.
    Live(crate::table::Args),
    /// Messages: how fast they leave, over HTTP and over SMTP.
    Messages(crate::table::Args),
    /// Campaigns: how fast a million recipients are planned, how fast messages of one leave, and what a large one costs a small
    /// one.
    Campaign(crate::table::Args),
    /// Dashboard: how long each page takes in a house with millions of jobs behind it.
    Dashboard(crate::dashboard::Args),
    /// Privacy: what it costs that what is known of people is encrypted.
    Privacy(crate::table::Args),
    /// Reports: how soon they are made, how fast what happens is counted, and how fast rows leave as files.
    Reports(crate::table::Args),
    /// Soak: whether it goes on as it began, for minutes under a steady load of everything.
    Soak(crate::soak::Args),
    /// Faults: what must stay true while processes die, hang and restart.
    Faults(crate::faults::Args),
    /// A worker process of a measurement.
    #[command(hide = true)]
    Worker { concurrency: usize, takes_ms: u64 },
    /// A worker process of a fault.
    #[command(hide = true)]
    FaultWorker(crate::faults::Orders),
    /// The guard of a fault's private Postgres.
    #[command(hide = true)]
    PostgresGuard(switchboard::postgres::guard::Orders),
}

fn main() -> Outcome<()> {
    let command = Command::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let done = runtime.block_on(run(command));
    // A thread may still wait for standard input, which never ends at a terminal.
    runtime.shutdown_background();
    done
}

async fn run(command: Command) -> Outcome<()> {
    match command {
        Command::Engine(args) => crate::engine::report(args).await,
        Command::Workflows(args) => crate::workflows::report(args).await,
        Command::Access(args) => crate::access::report(args).await,
        Command::Archive(args) => crate::archive::report(args).await,
        Command::Automation(args) => crate::automation::report(args).await,
        Command::Live(args) => crate::live::report(args).await,
        Command::Messages(args) => crate::messages::report(args).await,
        Command::Campaign(args) => crate::campaign::report(args).await,
        Command::Dashboard(args) => crate::dashboard::report(args).await,
        Command::Privacy(args) => crate::privacy::report(args).await,
        Command::Reports(args) => crate::reports::report(args).await,
        Command::Soak(args) => crate::soak::report(args).await,
        Command::Faults(args) => crate::faults::report(args).await,
        Command::FaultWorker(orders) => crate::faults::work(orders).await,
        Command::PostgresGuard(orders) => Ok(switchboard::postgres::guard::run(orders).await?),
        Command::Worker { concurrency, takes_ms } => crate::engine::worker(concurrency, takes_ms).await,
    }
}
