//! `recover`: what is to be done after the database was restored.

use domain::privacy::recovery;

use super::{Failure, do_and_say};
use crate::config::Config;

pub(super) async fn run(config: &Config, anyway: bool) -> Result<(), Failure> {
    do_and_say(config, async |platform| {
        let Some(done) = recovery::recover(platform, anyway).await? else {
            return Ok("the database is the one that was at work last: nothing to do (--anyway does it all the same)"
                .into());
        };
        for name in &done.unreadable {
            eprintln!("not a tombstone of this installation, look why: {name}");
        }
        let said = format!(
            "{} tenants: {} of {} erasures carried out again, {} messages are unknown now, {} campaigns and sequences \
             paused, {} jobs of workflows discarded; work goes on",
            done.tenants, done.erased, done.tombstones, done.unknown, done.paused, done.discarded
        );
        if done.unreadable.is_empty() { Ok(said) } else { Err(format!("{said}; but see above").into()) }
    })
    .await
}
