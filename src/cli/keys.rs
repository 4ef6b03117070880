//! `keys`: the keys of the installation.

use clap::Subcommand;
use domain::access::signers;

use super::{Failure, do_and_say};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Sign tokens with another key from now on; every process does so within half a minute.
    RotateSigner {
        /// Refuse what the key before has signed, as it got into other hands: everybody refreshes their token.
        #[arg(long)]
        at_once: bool,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let Command::RotateSigner { at_once } = command;
    do_and_say(config, async |platform| {
        signers::rotate(platform, at_once).await?;
        Ok("another key signs tokens".into())
    })
    .await
}
