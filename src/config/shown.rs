//! Settings as people may see them: whatever is secret is masked.

use std::path::Path;

use reqwest::Url;
use serde::Serialize;
use serde_json::{Value, json};

use super::Config;

/// What stands in the place of a secret.
const MASKED: &str = "********";

/// A setting and its value.
#[derive(Debug, Serialize)]
pub struct Setting {
    pub name: &'static str,
    /// The variable that sets it.
    pub environment: String,
    /// Null if it is not set.
    pub value: Value,
}

impl Config {
    /// All settings in the order in which they are described. A new one does not compile until it is said here whether it
    /// is secret.
    #[must_use]
    pub fn shown(&self) -> Vec<Setting> {
        let Self {
            listen,
            ops_listen,
            database_url,
            data_dir,
            key,
            key_file,
            former_keys,
            former_key_files,
            former_kms_keys,
            kms_key,
            kms_region,
            kms_access_key_id,
            kms_secret_access_key,
            kms_session_token,
            kms_endpoint,
            pg_bindir,
            app_connections,
            system_connections,
            max_connections,
            allowed_origins,
            proxy_hops,
            only_https,
            public_url,
            allow_loopback,
            mail_relays,
            requests_per_s,
            tenant_requests_per_s,
            address_requests_per_s,
            max_requests,
            max_sockets,
            storage,
            storage_endpoint,
            storage_region,
            storage_key_id,
            storage_key_secret,
            history_days,
            log_days,
            log_format,
            otlp_endpoint,
            otlp_traces_endpoint,
            otlp_headers,
            service_name,
            traces_sampler,
            traces_sampler_arg,
        } = self;
        let secret = |value: &Option<String>| json!(value.as_ref().map(|_| MASKED));
        let path = |path: &Path| json!(path.display().to_string());
        let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|one| path(one)).collect::<Vec<_>>();
        let values = [
            ("listen", json!(listen)),
            ("ops_listen", json!(ops_listen)),
            ("database_url", json!(database_url.as_deref().map(without_password))),
            ("data_dir", path(data_dir)),
            ("key", secret(key)),
            ("key_file", json!(key_file.as_deref().map(path))),
            ("former_keys", json!(former_keys.iter().map(|_| MASKED).collect::<Vec<_>>())),
            ("former_key_files", json!(paths(former_key_files))),
            ("former_kms_keys", json!(former_kms_keys)),
            ("kms_key", json!(kms_key)),
            ("kms_region", json!(kms_region)),
            ("kms_access_key_id", json!(kms_access_key_id)),
            ("kms_secret_access_key", secret(kms_secret_access_key)),
            ("kms_session_token", secret(kms_session_token)),
            ("kms_endpoint", json!(kms_endpoint)),
            ("pg_bindir", json!(pg_bindir.as_deref().map(path))),
            ("app_connections", json!(app_connections)),
            ("system_connections", json!(system_connections)),
            ("max_connections", json!(max_connections)),
            ("allowed_origins", json!(allowed_origins)),
            ("proxy_hops", json!(proxy_hops)),
            ("only_https", json!(only_https)),
            ("public_url", json!(public_url)),
            ("allow_loopback", json!(allow_loopback)),
            ("mail_relays", json!(mail_relays)),
            ("requests_per_s", json!(requests_per_s)),
            ("tenant_requests_per_s", json!(tenant_requests_per_s)),
            ("address_requests_per_s", json!(address_requests_per_s)),
            ("max_requests", json!(max_requests)),
            ("max_sockets", json!(max_sockets)),
            ("storage", json!(storage)),
            ("storage_endpoint", json!(storage_endpoint)),
            ("storage_region", json!(storage_region)),
            ("storage_key_id", json!(storage_key_id)),
            ("storage_key_secret", secret(storage_key_secret)),
            ("history_days", json!(history_days)),
            ("log_days", json!(log_days)),
            ("log_format", json!(log_format)),
            ("otlp_endpoint", json!(otlp_endpoint.as_deref().map(without_password))),
            ("otlp_traces_endpoint", json!(otlp_traces_endpoint.as_deref().map(without_password))),
            ("otlp_headers", secret(otlp_headers)),
            ("service_name", json!(service_name)),
            ("traces_sampler", json!(traces_sampler)),
            ("traces_sampler_arg", json!(traces_sampler_arg)),
        ];
        let setting = |(name, value): (&'static str, Value)| {
            let environment = format!("SWITCHBOARD_{}", name.to_uppercase());
            Setting { name, environment, value }
        };
        values.into_iter().map(setting).collect()
    }
}

/// A database's address that can be shown; one that cannot be read may be all password.
fn without_password(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return MASKED.into() };
    if url.password().is_some() && url.set_password(Some(MASKED)).is_err() {
        return MASKED.into();
    }
    let is_secret = |name: &str| matches!(name, "password" | "sslpassword" | "passfile");
    if url.query_pairs().any(|(name, _)| is_secret(&name)) {
        let pairs: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| {
                let value = if is_secret(&name) { MASKED.into() } else { value.into_owned() };
                (name.into_owned(), value)
            })
            .collect();
        url.query_pairs_mut().clear().extend_pairs(pairs);
    }
    url.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_shown() {
        let secret = "c2VjcmV0LXNlY3JldC1zZWNyZXQ";
        let url = format!("postgres://owner:{secret}@host/db?host=%2Ftmp&password={secret}");
        let mut config = Config::load(&[("database_url", Some(url))]).expect("settings");
        let some = || Some(secret.to_owned());
        (config.key, config.kms_secret_access_key, config.kms_session_token) = (some(), some(), some());
        (config.storage_key_secret, config.former_keys) = (some(), vec![secret.to_owned()]);
        config.otlp_headers = Some(format!("authorization={secret}"));
        config.otlp_endpoint = Some(format!("http://me:{secret}@collector"));
        let shown = serde_json::to_string(&config.shown()).expect("JSON");
        assert!(!shown.contains(secret), "{shown}");
        assert!(shown.contains("owner:********@host/db?host=%2Ftmp&password=********"), "{shown}");
        config.database_url = Some(format!("host {secret}"));
        let shown = serde_json::to_string(&config.shown()).expect("JSON");
        assert!(!shown.contains(secret), "{shown}");
    }

    #[test]
    fn settings_say_how_they_are_set() {
        let shown = Config::load(&[]).expect("defaults are enough").shown();
        let listen = shown.iter().find(|one| one.name == "listen").expect("it is there");
        assert_eq!((&*listen.environment, &listen.value), ("SWITCHBOARD_LISTEN", &json!("127.0.0.1:8080")));
        let key = shown.iter().find(|one| one.name == "key").expect("it is there");
        assert!(key.value.is_null(), "what is not set is not masked");
    }
}
