//! `recover`: what is to be done after the database was restored, or after another server took over.

use domain::{
    ctx::Platform,
    privacy::recovery::{self, How, Recovered},
};

use super::{Failure, progress, serve};
use crate::config::Config;

const NOTHING: &str =
    "the database is the one that was at work last: nothing to do (--anyway does it all the same)";

/// What is asked for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Wishes {
    /// Also if the database seems to be the one that was at work last: a copy of its folder was put back.
    #[arg(long)]
    anyway: bool,
    /// Let work go on although files in the place of tombstones cannot be read, or something could not be paused.
    #[arg(long)]
    regardless: bool,
    /// A standby took over in good order and had received everything: look through nothing, let work go on.
    #[arg(long, conflicts_with_all = ["anyway", "regardless"])]
    planned_failover: bool,
}

/// Also on the private Postgres of `up`, which is then started for as long as it takes.
pub(super) async fn run(config: &Config, wishes: Wishes) -> Result<(), Failure> {
    let (options, embedded) = serve::database(config).await?;
    let platform = serve::connect(config, &options).await?;
    let done = recover(&platform, wishes).await;
    platform.engine.close().await;
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    done
}

async fn recover(platform: &Platform, wishes: Wishes) -> Result<(), Failure> {
    if wishes.planned_failover {
        recovery::planned_failover(platform).await?;
        println!("work goes on here");
        return Ok(());
    }
    let how = How { anyway: wishes.anyway, regardless: wishes.regardless };
    let found = progress::during("what was lost is looked for", recovery::recover(platform, how)).await?;
    let Some(done) = found else {
        println!("{NOTHING}");
        return Ok(());
    };
    for name in &done.paused {
        println!("paused: {name}");
    }
    println!("{}", said(&done));
    for name in &done.unreadable {
        eprintln!("not a tombstone of this installation, or not as it wrote it: {name}");
    }
    for name in &done.left {
        eprintln!("could not be paused: {name}");
    }
    if done.goes_on {
        return Ok(());
    }
    Err(format!(
        "{} files are no tombstones, and {} campaigns and sequences could not be paused: all work stays paused, for \
         somebody may come back or be written to twice by that. Look why and run this again; --regardless lets work go on",
        done.unreadable.len(),
        done.left.len()
    )
    .into())
}

fn said(done: &Recovered) -> String {
    format!(
        "{} tenants: {} of {} erasures carried out again, {} messages are unknown now, {} campaigns and sequences paused, \
         {} runs of workflows cancelled; {}",
        done.tenants,
        done.erased,
        done.tombstones,
        done.unknown,
        done.paused.len(),
        done.stopped,
        if done.goes_on { "work goes on" } else { "work does not go on" }
    )
}
