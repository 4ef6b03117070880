//! `keys`: the keys of the installation.

use clap::Subcommand;
use domain::access::signers;

use super::{Failure, external, serve};
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
    let platform = serve::connect(config, &external(config)?).await?;
    let Command::RotateSigner { at_once } = command;
    let done = signers::rotate(&platform, at_once).await;
    platform.engine.close().await;
    done?;
    println!("another key signs tokens");
    Ok(())
}
