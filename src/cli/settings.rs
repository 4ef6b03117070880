//! `config`: what the settings are by all their sources, and whether they fit this machine.

use std::{io, path::PathBuf, time::Duration};

use clap::Subcommand;
use domain::{ctx::Platform, vault::rotation::view};
use serde::Serialize;

use super::{
    Failure,
    exit::{Exit, words},
    external,
    output::{Columns, Form},
    serve,
};
use crate::{config::Config, postgres::locate, storage};

const SETTINGS: Columns = &[("NAME", "/name"), ("ENVIRONMENT", "/environment"), ("VALUE", "/value")];
const CHECKS: Columns = &[("WHAT", "/what"), ("GOOD", "/good"), ("", "/says")];
/// How long the key service and storage may take.
const ANSWER: Duration = Duration::from_secs(10);
/// What the key is asked to wrap for; nothing is kept under it.
const CHECKING: &[u8] = b"config check";

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
        Self { what, good, says: found.unwrap_or_else(|failure| words(&*failure)) }
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::Print => form.list(SETTINGS, None).all(&config.shown()),
        Command::Check => {
            let checks = [
                Check::of("key", within(key(config)).await),
                Check::of("storage", within(files(config)).await),
                Check::of("database", database(config).await),
                Check::of("public_url", Ok(public(config))),
                Check::of("traces", traces(config)),
            ];
            let shown = form.list(CHECKS, None).all(&checks);
            // The verdict is told whether or not somebody reads the list.
            match checks.iter().filter(|check| !check.good).count() {
                0 => shown,
                wrong => Err(Exit::Failed.because(format!("{wrong} parts of the settings cannot be used"))),
            }
        }
    }
}

/// What a look found, unless nobody answers.
async fn within(look: impl Future<Output = Result<String, Failure>>) -> Result<String, Failure> {
    let late = |_| Exit::Unreachable.because(format!("no answer came within {} seconds", ANSWER.as_secs()));
    tokio::time::timeout(ANSWER, look).await.map_err(late)?
}

/// The key is there, and wraps and unwraps: a key service may let itself be found and refuse to be used.
async fn key(config: &Config) -> Result<String, Failure> {
    if let Some(file) = config.key_to_be_made() {
        return Ok(format!("{} is made at the first start", file.display()));
    }
    // Two of them, for one that has wrapped need not ask the service to unwrap.
    let (wraps, unwraps) = (config.keks()?, config.keks()?);
    let kek = wraps.current();
    let mut some = [0; 32];
    getrandom::fill(&mut some).map_err(io::Error::other)?;
    let wrapped = kek.wrap(CHECKING, &some).await?;
    if *unwraps.current().unwrap(CHECKING, &wrapped).await? != some {
        return Err(format!("{} does not give back what it was given", kek.name()).into());
    }
    Ok(kek.name().to_owned())
}

async fn files(config: &Config) -> Result<String, Failure> {
    if let Some(folder) = folder_to_be_made(config) {
        return Ok(format!("{} is made at the first start", folder.display()));
    }
    let storage = storage::open(config)?;
    storage.ask().await?;
    Ok(storage.place().to_owned())
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
    // Connecting makes what is not there yet.
    if config.key_to_be_made().is_some() || folder_to_be_made(config).is_some() || !config.data_dir.exists() {
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

fn traces(config: &Config) -> Result<String, Failure> {
    let settings = config.traces()?;
    Ok(settings.map_or_else(
        || "nobody is told any: no collector is named".into(),
        |settings| {
            let to = settings.endpoint.host_str().unwrap_or_default().to_owned();
            format!("they are posted to {to} and not asked about here")
        },
    ))
}

fn public(config: &Config) -> String {
    config.public_url.clone().unwrap_or_else(|| {
        "not set: providers are given no address for callbacks, and links in messages have no host".into()
    })
}
