//! `keys`: the keys of the installation.

use clap::Subcommand;
use domain::{
    access::signers,
    ctx::Platform,
    vault::rotation::{self, view},
};

use serde_json::json;

use super::{
    Failure,
    output::{Columns, Form},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[("KEY", "/kek"), ("ROLE", "/role"), ("WRAPS KEYS", "/keys")];

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

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    with_platform(config, async |platform| match command {
        Command::RotateSigner { at_once } => {
            signers::rotate(platform, at_once).await?;
            form.done("another key signs tokens", &json!({ "at_once": at_once }))
        }
        Command::Rotate => {
            let rotation = rotation::start_for_installation(platform).await?;
            let words = format!(
                "the workers wrap all keys anew (rotation {rotation}); `switchboard keys list` says what is left"
            );
            form.done(&words, &json!({ "rotation_id": rotation }))
        }
        Command::List => list(platform, form).await,
    })
    .await
}

async fn list(platform: &Platform, form: Form) -> Result<(), Failure> {
    let keks = platform.vault.keks();
    let wrapped = view::wrapped_by(platform).await?;
    let of = |name: &str| wrapped.iter().find(|(kek, _)| kek == name).map_or(0, |(_, keys)| *keys);
    let mut rows = Vec::new();
    for (at, name) in keks.names().enumerate() {
        let role = if at == 0 { "wraps" } else { "unwraps" };
        rows.push(json!({ "kek": name, "role": role, "keys": of(name) }));
    }
    for (name, keys) in wrapped.iter().filter(|(name, _)| keks.names().all(|known| known != name)) {
        eprintln!("{name} is missing here; add it to former_keys or former_key_files");
        rows.push(json!({ "kek": name, "role": "MISSING", "keys": keys }));
    }
    let mut list = form.list(COLUMNS, None);
    list.page(&rows)?;
    list.end()
}
