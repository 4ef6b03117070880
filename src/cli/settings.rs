//! `config`: what the settings are by all their sources, and whether they fit this machine.

use std::path::PathBuf;

use clap::Subcommand;
use domain::{ctx::Platform, vault::rotation::view};
use serde::Serialize;

use super::{
    Failure,
    exit::Exit,
    external,
    output::{Columns, Form},
    serve,
};
use crate::{config::Config, postgres::locate, storage};

const SETTINGS: Columns = &[("NAME", "/name"), ("ENVIRONMENT", "/environment"), ("VALUE", "/value")];
const CHECKS: Columns = &[("WHAT", "/what"), ("GOOD", "/good"), ("", "/says")];

#[derive(Subcommand)]
pub(super) enum Command {
    /// All settings as they are by defaults, file, environment and flags; secrets are masked.
    Print,
    /// Whether key, storage and database can be used as the settings say. Changes nothing. The exit code is 0 only if all can.
    Check,
}

/// What a look at a part of the settings came to.
#[derive(Serialize)]
struct Check {
    what: &'static str,
    good: bool,
    says: String,
}

impl Check {
    fn of(what: &'static str, found: Result<String, Failure>) -> Self {
        let good = found.is_ok();
        Self { what, good, says: found.unwrap_or_else(|failure| failure.to_string()) }
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::Print => {
            let mut list = form.list(SETTINGS, None);
            list.page(&config.shown())?;
            list.end()
        }
        Command::Check => {
            let checks = [
                Check::of("key", key(config)),
                Check::of("storage", files(config)),
                Check::of("database", database(config).await),
                Check::of("public_url", Ok(public(config))),
            ];
            let mut list = form.list(CHECKS, None);
            list.page(&checks)?;
            list.end()?;
            match checks.iter().filter(|check| !check.good).count() {
                0 => Ok(()),
                wrong => Err(Exit::Failed.because(format!("{wrong} parts of the settings cannot be used"))),
            }
        }
    }
}

fn key(config: &Config) -> Result<String, Failure> {
    if let Some(file) = config.key_to_be_made() {
        return Ok(format!("{} is made at the first start", file.display()));
    }
    Ok(config.keks()?.current().name().to_owned())
}

fn files(config: &Config) -> Result<String, Failure> {
    if let Some(folder) = folder_to_be_made(config) {
        return Ok(format!("{} is made at the first start", folder.display()));
    }
    Ok(storage::open(config)?.place().to_owned())
}

/// Opening a folder for files would make it.
fn folder_to_be_made(config: &Config) -> Option<PathBuf> {
    let of_settings = config.storage.as_ref().filter(|place| !place.contains("://")).map(PathBuf::from);
    let folder = of_settings.or_else(|| config.storage.is_none().then(|| config.data_dir.join("storage")));
    folder.filter(|folder| !folder.exists())
}

async fn database(config: &Config) -> Result<String, Failure> {
    if config.database_url.is_none() {
        let found = locate::locate(config.pg_bindir.as_deref())?;
        return Ok(format!("none is named: `up` starts a private one by {}", found.dir.display()));
    }
    let options = external(config)?;
    if config.key_to_be_made().is_some() || folder_to_be_made(config).is_some() {
        let engine = serve::connect_engine(config, &options).await?;
        engine.ping().await?;
        engine.close().await;
        return Ok("it answers".into());
    }
    let platform = serve::connect(config, &options).await?;
    let opened = missing_keys(&platform).await;
    platform.engine.close().await;
    match opened?.as_slice() {
        [] => Ok("it answers, and all keys in it are wrapped by keys that are here".into()),
        missing => Err(format!(
            "keys in it are wrapped by {}, which is not here; add it to former_keys or former_key_files",
            missing.join(", ")
        )
        .into()),
    }
}

/// Key-encryption keys that wrap keys of the database, and that these settings do not name.
async fn missing_keys(platform: &Platform) -> Result<Vec<String>, Failure> {
    let wrapped = view::wrapped_by(platform).await?;
    let known: Vec<&str> = platform.vault.keks().names().collect();
    Ok(wrapped.into_iter().map(|(name, _)| name).filter(|name| !known.contains(&name.as_str())).collect())
}

fn public(config: &Config) -> String {
    config.public_url.clone().unwrap_or_else(|| {
        "not set: providers are given no address for callbacks, and links in messages have no host".into()
    })
}
