//! `recover`: what is to be done after the database was restored.

use domain::{
    ctx::Platform,
    privacy::recovery::{self, Recovered},
};

use super::{Failure, serve};
use crate::config::Config;

const NOTHING: &str =
    "the database is the one that was at work last: nothing to do (--anyway does it all the same)";

/// Also on the private Postgres of `up`, which is then started for as long as it takes.
pub(super) async fn run(config: &Config, anyway: bool) -> Result<(), Failure> {
    let (options, embedded) = serve::database(config).await?;
    let platform = serve::connect(config, &options).await?;
    let done = recover(&platform, anyway).await;
    platform.engine.close().await;
    if let Some(embedded) = embedded {
        embedded.stop().await?;
    }
    done
}

async fn recover(platform: &Platform, anyway: bool) -> Result<(), Failure> {
    let Some(done) = recovery::recover(platform, anyway).await? else {
        println!("{NOTHING}");
        return Ok(());
    };
    println!("{}", said(&done));
    for name in &done.unreadable {
        eprintln!("not a tombstone of this installation, or not as it wrote it: {name}");
    }
    match done.unreadable.len() {
        0 => Ok(()),
        wrong => {
            Err(format!("{wrong} files are no tombstones: look why, for somebody may come back by that")
                .into())
        }
    }
}

fn said(done: &Recovered) -> String {
    format!(
        "{} tenants: {} of {} erasures carried out again, {} messages are unknown now, {} campaigns and sequences paused, \
         {} jobs of workflows discarded; work goes on",
        done.tenants, done.erased, done.tombstones, done.unknown, done.paused, done.discarded
    )
}
