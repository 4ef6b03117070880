//! `keys`: the keys of the installation.

use clap::Subcommand;
use domain::{
    access::signers,
    ctx::Platform,
    vault::rotation::{self, view},
};

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
    /// Wrap all keys of the installation by the key-encryption key in use; the workers do it, and everything goes on.
    Rotate,
    /// Say how many keys each key-encryption key wraps: one that wraps none can be taken away.
    List,
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    do_and_say(config, async |platform| match command {
        Command::RotateSigner { at_once } => {
            signers::rotate(platform, at_once).await?;
            Ok("another key signs tokens".into())
        }
        Command::Rotate => {
            let rotation = rotation::start_for_installation(platform).await?;
            Ok(format!("the workers wrap all keys anew (rotation {rotation}); `switchboard keys list` says what is left"))
        }
        Command::List => list(platform).await,
    })
    .await
}

async fn list(platform: &Platform) -> Result<String, Failure> {
    let keks = platform.vault.keks();
    let wrapped = view::wrapped_by(platform).await?;
    let of = |name: &str| wrapped.iter().find(|(kek, _)| kek == name).map_or(0, |(_, keys)| *keys);
    let mut lines = Vec::new();
    for (at, name) in keks.names().enumerate() {
        let role = if at == 0 { "wraps" } else { "unwraps" };
        lines.push(format!("{name}  {role}, {} keys", of(name)));
    }
    for (name, keys) in wrapped.iter().filter(|(name, _)| keks.names().all(|known| known != name)) {
        lines.push(format!("{name}  MISSING here, {keys} keys; add it to former_keys or former_key_files"));
    }
    Ok(lines.join("\n"))
}
