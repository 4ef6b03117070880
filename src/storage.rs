//! Where files of tenants lie: a folder beside the other state, or a bucket that speaks S3.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use domain::storage::Storage;
use object_store::{
    ClientOptions, RetryConfig, aws::AmazonS3Builder, local::LocalFileSystem, prefix::PrefixStore,
};
use reqwest::Url;

use crate::config::Config;

/// A request for a part of a file; the largest part has 8 MiB.
const REQUEST: Duration = Duration::from_mins(1);
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request is repeated before whoever asked is told. Jobs come again later by themselves.
const REPEATED: Duration = Duration::from_secs(90);
const REPEATS: usize = 4;

/// Opens what the settings name.
///
/// # Errors
/// A sentence that names the setting, if the folder cannot be made or the address is none.
pub fn open(config: &Config) -> io::Result<Storage> {
    match config.storage.as_deref() {
        None => folder(&config.data_dir.join("storage")),
        Some(place) if place.starts_with("s3://") => bucket(config, place),
        Some(place) if place.contains("://") => Err(wrong("is a folder, or a bucket as s3://bucket/folder")),
        Some(place) => folder(Path::new(place)),
    }
}

/// A folder, made if it is not there. A file that was written is on the disk before whoever wrote it is told.
///
/// # Errors
/// If it cannot be made or read.
pub fn folder(path: &Path) -> io::Result<Storage> {
    let failed = |error: &dyn std::fmt::Display| {
        io::Error::other(format!(
            "the folder {} for files cannot be used: {error}; see that it is writable, or set `storage`",
            path.display()
        ))
    };
    fs::create_dir_all(path).map_err(|error| failed(&error))?;
    let store = LocalFileSystem::new_with_prefix(path).map_err(|error| failed(&error))?;
    Ok(Storage::new(Arc::new(store.with_fsync(true)), &path.display().to_string()))
}

fn bucket(config: &Config, place: &str) -> io::Result<Storage> {
    let url = Url::parse(place).map_err(|_| wrong("is written s3://bucket or s3://bucket/folder"))?;
    let name = url.host_str().filter(|_| url.query().is_none() && url.fragment().is_none());
    let name = name.ok_or_else(|| wrong("is written s3://bucket or s3://bucket/folder"))?;
    let plain = config.storage_endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options =
        ClientOptions::new().with_timeout(REQUEST).with_connect_timeout(CONNECT).with_allow_http(plain);
    let retry = RetryConfig { max_retries: REPEATS, retry_timeout: REPEATED, ..RetryConfig::default() };
    let mut builder =
        AmazonS3Builder::from_env().with_bucket_name(name).with_client_options(options).with_retry(retry);
    if let Some(endpoint) = &config.storage_endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    if let Some(region) = &config.storage_region {
        builder = builder.with_region(region);
    }
    match (&config.storage_key_id, &config.storage_key_secret) {
        (Some(id), Some(secret)) => builder = builder.with_access_key_id(id).with_secret_access_key(secret),
        (None, None) => {}
        _ => {
            return Err(io::Error::other(
                "storage_key_id and storage_key_secret are set together or not at all",
            ));
        }
    }
    let store = builder.build().map_err(|error| {
        io::Error::other(format!("the bucket {place} cannot be used: {error}; see the settings `storage_…`"))
    })?;
    let told = config.storage_endpoint.as_ref().map_or_else(|| place.into(), |at| format!("{place} at {at}"));
    let under = url.path().trim_matches('/');
    if under.is_empty() {
        return Ok(Storage::new(Arc::new(store), &told));
    }
    Ok(Storage::new(Arc::new(PrefixStore::new(store, under)), &told))
}

fn wrong(what: &str) -> io::Error {
    io::Error::other(format!("storage {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(flags: &[(&str, &str)]) -> Result<String, String> {
        let flags: Vec<_> = flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
        let config = Config::load(&flags).expect("settings");
        open(&config).map(|storage| storage.place().to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bucket_is_named_with_its_server_and_never_with_its_key() {
        let keys = [("storage_key_id", "AKIAHIDDEN"), ("storage_key_secret", "hidden")];
        let s3 = [("storage", "s3://files/calls"), ("storage_endpoint", "http://127.0.0.1:9000")];
        let told = place(&[s3, keys].concat()).expect("a bucket");
        assert_eq!(told, "s3://files/calls at http://127.0.0.1:9000");
        for (flags, what) in [
            (vec![("storage", "ftp://files")], "s3://bucket"),
            (vec![("storage", "s3://files?a=b")], "s3://bucket"),
            (vec![("storage", "s3://files"), keys[0]], "storage_key_secret"),
        ] {
            let error = place(&flags).expect_err("no storage");
            assert!(error.contains(what), "{error}");
        }
    }
}
