//! Settings: defaults, then `switchboard.toml`, then `SWITCHBOARD_*` of the environment, then flags.

mod shown;

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf, sync::Arc};

use domain::vault::{KekRing, kek::LocalKek};
use reqwest::Url;
use serde::Deserialize;
use workers::rim::kms;

pub use self::shown::Setting;
use crate::{
    platform::KeySource,
    telemetry::{LogFormat, traces::settings as traces},
};

/// All there is to set. Every field can stand in `switchboard.toml` under its own name and in the
/// environment as `SWITCHBOARD_<NAME>`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the API listens.
    pub listen: SocketAddr,
    /// Where a process, whatever its roles, answers `/livez`, `/readyz`, `/version` and `/metrics`; the last is not told on
    /// `listen` then. Workers and schedulers listen nowhere without it.
    pub ops_listen: Option<SocketAddr>,
    /// A Postgres of yours; without it a private one is started in `data_dir`.
    pub database_url: Option<String>,
    /// What this installation keeps: the key file and the private Postgres.
    pub data_dir: PathBuf,
    /// The key-encryption key in base64; without it the file `key` in `data_dir`.
    pub key: Option<String>,
    /// The file of the key-encryption key, if it is not `key` in `data_dir`. Made at the first start.
    pub key_file: Option<PathBuf>,
    /// Key-encryption keys that only unwrap: those before the one in use, or the one that is to follow it. In base64.
    pub former_keys: Vec<String>,
    /// The same as files.
    pub former_key_files: Vec<PathBuf>,
    /// The same of the key service: their ids as they stood in `kms_key`.
    pub former_kms_keys: Vec<String>,
    /// Instead of a key here, one that Amazon's KMS or a service like it holds: its id or ARN, no alias. It needs the three that
    /// follow; no file of the key is made then.
    pub kms_key: Option<String>,
    pub kms_region: Option<String>,
    pub kms_access_key_id: Option<String>,
    pub kms_secret_access_key: Option<String>,
    /// Of credentials that are good for a while.
    pub kms_session_token: Option<String>,
    /// Where the key service is, if not at `https://kms.<kms_region>.amazonaws.com`.
    pub kms_endpoint: Option<String>,
    /// The folder of initdb and postgres, if they are not where they are looked for.
    pub pg_bindir: Option<PathBuf>,
    pub app_connections: u32,
    pub system_connections: u32,
    /// Connections served at a time; more wait in the kernel's queue.
    pub max_connections: usize,
    /// Origins besides our own whose pages may call the API and open sockets, for example `https://ops.example.com`.
    pub allowed_origins: Vec<String>,
    /// Proxies of yours in front, each of which adds to X-Forwarded-For; without one that header is not believed.
    pub proxy_hops: u8,
    /// Plain HTTP that comes over a proxy of yours is sent to HTTPS, and browsers are told to stay there.
    pub only_https: bool,
    /// Where the outside reaches this installation, for example `https://calls.example.com`: what addresses for callbacks
    /// and links in messages begin with. Providers are given no address for callbacks without it.
    pub public_url: Option<String>,
    /// For development only: tenants may have servers on this machine called, also over plain HTTP. Every tenant
    /// then reaches what listens on loopback, so never set it where tenants are strangers.
    pub allow_loopback: bool,
    /// Mail servers of your own network, as accounts name them: tenants may have mail sent by them although their
    /// addresses are private. All others must be on the public internet.
    pub mail_relays: Vec<String>,
    /// Requests a second of one user or key, of one tenant, and of one address without a valid token; ten seconds'
    /// worth may come at once.
    pub requests_per_s: NonZeroU32,
    pub tenant_requests_per_s: NonZeroU32,
    pub address_requests_per_s: NonZeroU32,
    /// Requests served at a time; more are told to come again.
    pub max_requests: usize,
    /// Sockets open at a time; more are told to come again.
    pub max_sockets: usize,
    /// Files of tenants: a folder, or a bucket as `s3://bucket` or `s3://bucket/folder`. Without it the folder `storage`
    /// in `data_dir`.
    pub storage: Option<String>,
    /// The server of an S3-compatible bucket, for example `https://s3.example.com`; without it the one of AWS.
    pub storage_endpoint: Option<String>,
    /// Its region; without it `us-east-1`.
    pub storage_region: Option<String>,
    /// The access key of the bucket and its secret. Without them `AWS_ACCESS_KEY_ID` and its kin of the environment are
    /// read, or the role that the machine has.
    pub storage_key_id: Option<String>,
    pub storage_key_secret: Option<String>,
    /// Days that finished jobs can be looked up.
    pub history_days: u16,
    /// Days that events can be replayed.
    pub log_days: u16,
    pub log_format: LogFormat,
    /// A collector of OpenTelemetry, for example `http://127.0.0.1:4318`: traces are posted to `/v1/traces` under it. Without
    /// it and the next one nothing is told.
    pub otlp_endpoint: Option<String>,
    /// Where traces are posted, if that is not under `otlp_endpoint`; nothing is put behind it.
    pub otlp_traces_endpoint: Option<String>,
    /// What is sent along, as `name=value,name=value`; values percent-encoded.
    pub otlp_headers: Option<String>,
    /// What traces call this installation.
    pub service_name: String,
    /// Which traces are told, by the names of the OpenTelemetry specification.
    pub traces_sampler: String,
    /// The share of them, from 0 to 1, for samplers that take one.
    pub traces_sampler_arg: Option<String>,
}

impl Config {
    /// Reads all sources; flags come as `(name, value)`.
    ///
    /// # Errors
    /// A sentence that names the setting and its source.
    pub fn load(flags: &[(&str, Option<String>)]) -> Result<Self, config::ConfigError> {
        let mut sources = config::Config::builder()
            .set_default("listen", "127.0.0.1:8080")?
            .set_default("data_dir", "data")?
            .set_default("app_connections", 16)?
            .set_default("system_connections", 8)?
            .set_default("max_connections", 4096)?
            .set_default("allowed_origins", Vec::<String>::new())?
            .set_default("former_keys", Vec::<String>::new())?
            .set_default("former_key_files", Vec::<String>::new())?
            .set_default("former_kms_keys", Vec::<String>::new())?
            .set_default("proxy_hops", 0)?
            .set_default("only_https", false)?
            .set_default("allow_loopback", false)?
            .set_default("mail_relays", Vec::<String>::new())?
            .set_default("requests_per_s", 100)?
            .set_default("tenant_requests_per_s", 1000)?
            .set_default("address_requests_per_s", 20)?
            .set_default("max_requests", 256)?
            .set_default("max_sockets", 20_000)?
            .set_default("history_days", 30)?
            .set_default("log_days", 30)?
            .set_default("log_format", "text")?
            .set_default("service_name", "switchboard")?
            .set_default("traces_sampler", "parentbased_always_on")?;
        // The variables that every program has are defaults: what is said to this one alone counts more.
        let is_off = std::env::var(traces::DISABLED).is_ok_and(|value| value.eq_ignore_ascii_case("true"));
        for (name, variable) in traces::STANDARD.into_iter().filter(|_| !is_off) {
            if let Some(value) = std::env::var(variable).ok().filter(|value| !value.is_empty()) {
                sources = sources.set_default(name, value)?;
            }
        }
        let mut sources =
            sources.add_source(config::File::with_name("switchboard.toml").required(false)).add_source(
                config::Environment::with_prefix("SWITCHBOARD")
                    .try_parsing(true)
                    .list_separator(",")
                    .with_list_parse_key("allowed_origins")
                    .with_list_parse_key("former_keys")
                    .with_list_parse_key("former_key_files")
                    .with_list_parse_key("former_kms_keys")
                    .with_list_parse_key("mail_relays")
                    .ignore_empty(true),
            );
        for (name, value) in flags {
            sources = sources.set_override_option(*name, value.clone())?;
        }
        let mut settings: Self = sources.build()?.try_deserialize()?;
        settings.public_url = settings.public_url.map(|text| origin(&text)).transpose()?;
        settings.check_key_service()?;
        Ok(settings)
    }

    /// How traces are told, if they are; what is set besides an address is not judged without one. Whoever tells none does
    /// not ask: the standard variables stand in many a shell for other programs.
    ///
    /// # Errors
    /// A sentence that names the setting.
    pub fn traces(&self) -> Result<Option<traces::Settings>, config::ConfigError> {
        let named = config::ConfigError::Message;
        let endpoint = traces::endpoint(self.otlp_endpoint.as_deref(), self.otlp_traces_endpoint.as_deref());
        let Some(endpoint) = endpoint.map_err(named)? else { return Ok(None) };
        let headers = traces::headers(self.otlp_headers.as_deref().unwrap_or_default()).map_err(named)?;
        let sampler =
            traces::sampler(&self.traces_sampler, self.traces_sampler_arg.as_deref()).map_err(named)?;
        Ok(Some(traces::Settings { endpoint, headers, service_name: self.service_name.clone(), sampler }))
    }

    /// Where the newest heads of the audit log are kept.
    #[must_use]
    pub fn audit_heads(&self) -> PathBuf {
        self.data_dir.join("audit-heads.json")
    }

    /// The key-encryption keys: the one in use, where a key service is or as the environment holds it, or else in a file that
    /// the first start makes; and those that only unwrap, which must be there.
    ///
    /// # Errors
    /// If one cannot be read or made.
    pub fn keks(&self) -> std::io::Result<KekRing> {
        let file = self.key_place();
        let service = self.key_service().map(|settings| KeySource::Service(Box::new(settings)));
        let here = || self.key.as_deref().map_or(KeySource::File(&file), KeySource::Text);
        let mut ring = KekRing::new(service.unwrap_or_else(here).read()?);
        for text in &self.former_keys {
            ring = ring.with_former(KeySource::Text(text).read()?);
        }
        for file in &self.former_key_files {
            ring = ring.with_former(Arc::new(LocalKek::from_existing_file(file)?));
        }
        for key in &self.former_kms_keys {
            let settings = self.key_service_of(Some(key)).ok_or_else(|| {
                std::io::Error::other(
                    "former_kms_keys needs kms_region, kms_access_key_id and kms_secret_access_key",
                )
            })?;
            ring = ring.with_former(KeySource::Service(Box::new(settings)).read()?);
        }
        Ok(ring)
    }

    /// The file that the first start makes the key in, where nothing else says which it is and none is there.
    #[must_use]
    pub fn key_to_be_made(&self) -> Option<PathBuf> {
        let is_here = self.key.is_none() && self.kms_key.is_none();
        Some(self.key_place()).filter(|file| is_here && !file.exists())
    }

    fn key_place(&self) -> PathBuf {
        self.key_file.clone().unwrap_or_else(|| self.data_dir.join("key"))
    }

    fn key_service(&self) -> Option<kms::Settings> {
        self.key_service_of(self.kms_key.as_ref())
    }

    fn key_service_of(&self, key: Option<&String>) -> Option<kms::Settings> {
        Some(kms::Settings {
            key: key?.clone(),
            region: self.kms_region.clone()?,
            endpoint: self.kms_endpoint.clone(),
            access_key_id: self.kms_access_key_id.clone()?,
            secret_access_key: self.kms_secret_access_key.clone()?,
            session_token: self.kms_session_token.clone(),
        })
    }

    /// Whoever names a key service means it: a missing setting must not quietly make a key file.
    fn check_key_service(&self) -> Result<(), config::ConfigError> {
        for key in self.kms_key.iter().chain(&self.former_kms_keys) {
            kms::check_key(key).map_err(|why| config::ConfigError::Message(why.into()))?;
        }
        if let Some(endpoint) = &self.kms_endpoint {
            kms::check_endpoint(endpoint).map_err(|why| config::ConfigError::Message(why.to_string()))?;
        }
        let set = [
            self.kms_key.is_some() || !self.former_kms_keys.is_empty(),
            self.kms_region.is_some(),
            self.kms_access_key_id.is_some(),
            self.kms_secret_access_key.is_some(),
        ];
        let why = match set.into_iter().filter(|is_set| *is_set).count() {
            0 => return Ok(()),
            4 if self.key.is_none() || self.kms_key.is_none() => return Ok(()),
            4 => "key and kms_key are both set; leave one of them out",
            _ => {
                "kms_key (or former_kms_keys), kms_region, kms_access_key_id and kms_secret_access_key belong together; set all of them"
            }
        };
        Err(config::ConfigError::Message(why.into()))
    }
}

/// The address of an installation without a slash at its end, so that paths can be written behind it.
fn origin(text: &str) -> Result<String, config::ConfigError> {
    Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.path() == "/" && url.query().is_none() && url.fragment().is_none())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .map(|url| url.origin().ascii_serialization())
        .ok_or_else(|| {
            let why =
                "public_url must be a scheme and a host and nothing behind it: https://calls.example.com";
            config::ConfigError::Message(why.into())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_and_wrong_values_are_named() {
        let config = Config::load(&[("listen", Some("127.0.0.1:9".into()))]).expect("defaults are enough");
        assert_eq!(config.listen.port(), 9);
        let error = Config::load(&[("app_connections", Some("many".into()))]).err().expect("not a number");
        assert!(error.to_string().contains("app_connections"), "{error}");
    }

    #[test]
    fn traces_are_told_where_an_address_is_set_alone() {
        let load = |flags: &[(&str, &str)]| {
            let flags: Vec<_> =
                flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
            Config::load(&flags)
        };
        let quiet = load(&[("traces_sampler", "none of ours")]).expect("nobody asks for it");
        assert!(quiet.traces().expect("settings").is_none());
        let collector = ("otlp_endpoint", "http://127.0.0.1:4318");
        let told =
            load(&[collector]).expect("an address").traces().expect("settings").expect("they are told");
        assert_eq!(told.endpoint.as_str(), "http://127.0.0.1:4318/v1/traces");
        for wrong in [("traces_sampler", "none of ours"), ("otlp_traces_endpoint", "here")] {
            let config = load(&[collector, wrong]).expect("commands that tell no traces do not mind");
            let error = config.traces().err().expect("a wrong setting");
            assert!(error.to_string().contains(wrong.0), "{error}");
        }
    }

    #[test]
    fn a_key_service_is_named_whole_or_not_at_all() {
        let load = |flags: &[(&str, &str)]| {
            let flags: Vec<_> =
                flags.iter().map(|(name, value)| (*name, Some((*value).to_owned()))).collect();
            Config::load(&flags)
        };
        let whole = [
            ("kms_key", "1234abcd-12ab-34cd-56ef-1234567890ab"),
            ("kms_region", "eu-central-1"),
            ("kms_access_key_id", "AKID"),
            ("kms_secret_access_key", "secret"),
        ];
        let config = load(&whole).expect("all that is needed");
        let ring = config.keks().expect("a client");
        assert!(ring.current().name().starts_with("kms:"), "{}", ring.current().name());
        for left_out in 0..whole.len() {
            let mut flags = whole.to_vec();
            flags.remove(left_out);
            let error = load(&flags).err().expect("something is missing");
            assert!(error.to_string().contains("kms_region"), "{error}");
        }
        let error = load(&[&whole[..], &[("key", "AAAA")]].concat()).err().expect("two keys");
        assert!(error.to_string().contains("leave one"), "{error}");
        let arn = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
        load(&[&[("kms_key", arn)][..], &whole[1..]].concat()).expect("a key by its ARN");
        for alias in ["alias/switchboard", "arn:aws:kms:eu-central-1:111122223333:alias/switchboard"] {
            let error = load(&[&[("kms_key", alias)][..], &whole[1..]].concat()).err().expect("an alias");
            assert!(error.to_string().contains("is an alias"), "{error}");
        }
        for (endpoint, is_taken) in [
            ("https://kms.example.com", true),
            ("https://kms.example.com:8443/", true),
            ("https://kms.example.com/kms", false),
            ("https://kms.example.com/?a=b", false),
            ("kms.example.com", false),
        ] {
            let loaded = load(&[&whole[..], &[("kms_endpoint", endpoint)]].concat());
            assert_eq!(loaded.is_ok(), is_taken, "{endpoint}");
        }
    }

    #[test]
    fn the_public_address_is_an_origin() {
        let load =
            |url: &str| Config::load(&[("public_url", Some(url.into()))]).map(|config| config.public_url);
        for (given, kept) in [
            ("https://calls.example.com", "https://calls.example.com"),
            ("https://Calls.Example.com:443/", "https://calls.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ] {
            assert_eq!(load(given).expect("an address").as_deref(), Some(kept), "{given}");
        }
        for wrong in [
            "calls.example.com",
            "ftp://calls.example.com",
            "https://calls.example.com/switchboard",
            "https://calls.example.com/?a=b",
            "https://calls.example.com/#a",
            "https://me@calls.example.com",
        ] {
            let error = load(wrong).err().unwrap_or_else(|| panic!("{wrong} was taken"));
            assert!(error.to_string().contains("public_url"), "{error}");
        }
        let quiet = Config::load(&[]).expect("defaults are enough");
        assert!(quiet.public_url.is_none() && !quiet.allow_loopback);
    }
}
