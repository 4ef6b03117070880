//! What an SMTP account says.

use domain::{calls::webhook, error::FieldError};
use lettre::message::Mailbox;
use serde::Deserialize;
use serde_json::Value;

/// How the connection is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tls {
    /// STARTTLS, and no mail without it.
    #[default]
    Starttls,
    /// TLS from the first byte (RFC 8314), usually port 465.
    Implicit,
    /// None at all: for a mail catcher beside us. No password is sent then.
    None,
}

/// An account: `{"host", "port", "tls", "username", "password", "from", "bounce_domain", "bounce_secret"}`.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    pub host: String,
    pub port: Option<u16>,
    #[serde(default)]
    pub tls: Tls,
    pub username: Option<String>,
    pub password: Option<String>,
    /// `Acme <hello@acme.example>` or the address alone.
    pub from: Mailbox,
    /// Mail to this domain is posted to the account's callback address: bounces come back to an address in it that says
    /// which message they are of. Without it they go to `from`.
    pub bounce_domain: Option<String>,
    /// What posted bounces are signed by (Standard Webhooks); without it the secret address is enough.
    pub bounce_secret: Option<String>,
}

impl Settings {
    /// # Errors
    /// What to change, by pointer.
    pub fn read(settings: &Value) -> Result<Self, Vec<FieldError>> {
        let known = ["host", "port", "tls", "username", "password", "from", "bounce_domain", "bounce_secret"];
        if let Some(name) = settings
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| name)
            .find(|name| !known.contains(&name.as_str()))
        {
            return Err(vec![FieldError::new(format!("/{name}"), format!("there are {}", known.join(", ")))]);
        }
        for (name, what) in [
            ("host", "the server's name, for example smtp.example.com"),
            ("from", "the sender, for example Acme <hello@acme.example>"),
        ] {
            if settings[name]
                .as_str()
                .is_none_or(|text| text.trim().is_empty() || text.contains(['\r', '\n']))
            {
                return Err(vec![FieldError::new(format!("/{name}"), what)]);
            }
        }
        let texts = settings.as_object().into_iter().flatten();
        let mut texts = texts.filter_map(|(name, value)| Some((name, value.as_str()?)));
        if let Some((name, _)) = texts.find(|(_, text)| text.contains(char::is_control)) {
            let what = "write it without line breaks or other control characters";
            return Err(vec![FieldError::new(format!("/{name}"), what)]);
        }
        if settings["from"].as_str().is_some_and(|from| from.parse::<Mailbox>().is_err()) {
            return Err(vec![FieldError::new("/from", "not an address: write Acme <hello@acme.example>")]);
        }
        let read: Self = serde_json::from_value(settings.clone())
            .map_err(|error| vec![FieldError::new("", error.to_string())])?;
        let is_domain = |text: &str| format!("a@{text}").parse::<Mailbox>().is_ok();
        if !read.bounce_domain.as_deref().is_none_or(is_domain) {
            return Err(vec![FieldError::new("/bounce_domain", "a domain, for example bounces.example.com")]);
        }
        let signs = |secret: &str| webhook::sign(secret, "id", "0", b"").is_some();
        if !read.bounce_secret.as_deref().is_none_or(signs) {
            return Err(vec![FieldError::new("/bounce_secret", "whsec_ and base64 of 24 to 64 bytes")]);
        }
        if read.username.is_some() != read.password.is_some() {
            return Err(vec![FieldError::new(
                "/password",
                "give username and password together, or neither",
            )]);
        }
        if read.tls == Tls::None && read.password.is_some() {
            return Err(vec![FieldError::new(
                "/tls",
                "a password is not sent without TLS; use starttls or implicit",
            )]);
        }
        Ok(read)
    }

    /// The port, 465 or 587 if none is set (RFC 8314, RFC 6409).
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(if self.tls == Tls::Implicit { 465 } else { 587 })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_account_is_whole_and_gives_no_password_away() {
        let whole = json!({"host": "smtp.example.com", "from": "Acme <a@example.com>", "username": "u", "password": "p"});
        assert_eq!(Settings::read(&whole).map(|settings| settings.port()), Ok(587));
        for (name, value, at) in [
            ("host", json!(""), "/host"),
            ("from", json!("nobody"), "/from"),
            ("from", json!("a@example.com\r\nBcc: b@example.com"), "/from"),
            ("username", json!("u\r\n"), "/username"),
            ("password", json!("p\n"), "/password"),
            ("bounce_domain", json!("bounces.example.com\n"), "/bounce_domain"),
            ("tls", json!("none"), "/tls"),
            ("password", json!(null), "/password"),
            ("colour", json!("red"), "/colour"),
        ] {
            let mut settings = whole.clone();
            settings[name] = value;
            let wrong = Settings::read(&settings).err().expect("a fault");
            assert_eq!(wrong[0].pointer, at, "{name}");
        }
    }
}
