//! Access tokens of service accounts: <https://developers.google.com/identity/protocols/oauth2/service-account>. One is
//! fetched at a time, and anew some minutes before the old one ends.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as Lock, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{Ctx, messages::provider::Account, types::ProviderId};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::{sync::Mutex, time::timeout};
use url::form_urlencoded;

use super::Line;
use crate::{
    providers::http as wire,
    rim::outbound::{Outbound, OutboundError, OutboundRequest},
};

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const AUDIENCE: &str = "https://oauth2.googleapis.com/token";
/// What an assertion is good for; Google allows an hour.
const LIFE: TimeDelta = TimeDelta::minutes(55);
const EARLY: TimeDelta = TimeDelta::minutes(5);
/// How long a token may be waited for, so that a call has time left for its message: without a token nothing was sent.
const PATIENCE: Duration = Duration::from_secs(4);
/// Accounts whose tokens are held; past it all are fetched anew.
const ACCOUNTS: usize = 1_000;

/// Why there is no token.
pub(super) enum NoToken {
    /// The key is not accepted, for this code.
    Refused(String),
    /// Google was not asked, for there was no room for it here.
    Busy(String),
    Unreachable(String),
}

#[derive(Default)]
struct Held {
    token: Option<(String, DateTime<Utc>)>,
}

/// By account and its version, so that a token of older credentials is not used.
#[derive(Default)]
pub(super) struct Tokens(Lock<HashMap<Of, Arc<Mutex<Held>>>>);

/// An account, and its version.
type Of = (ProviderId, i64);

impl Tokens {
    fn held(&self, account: &Account) -> Arc<Mutex<Held>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= ACCOUNTS {
            all.clear();
        }
        Arc::clone(all.entry((account.id, account.version)).or_default())
    }

    /// The token in use, or a new one if it ends soon or is the one that was `refused`.
    pub(super) async fn get(
        &self,
        ctx: &Ctx,
        outbound: &Outbound,
        account: &Account,
        line: &Line,
        refused: Option<&str>,
    ) -> Result<String, NoToken> {
        let held = self.held(account);
        let got = async {
            // Whoever comes while one is fetched waits for that one.
            let mut held = held.lock().await;
            if let Some((token, until)) = &held.token
                && *until > ctx.now() + EARLY
                && refused != Some(token.as_str())
            {
                return Ok(token.clone());
            }
            let (token, until) = fetch(ctx, outbound, line).await?;
            held.token = Some((token.clone(), until));
            Ok::<_, NoToken>(token)
        };
        let late = |_| Err(NoToken::Unreachable("Google gave no token in time".into()));
        timeout(PATIENCE, got).await.unwrap_or_else(late)
    }
}

/// A new one, and until when it holds.
pub(super) async fn fetch(
    ctx: &Ctx,
    outbound: &Outbound,
    line: &Line,
) -> Result<(String, DateTime<Utc>), NoToken> {
    let now = ctx.now();
    let claims = json!({
        "iss": line.settings.client_email,
        "scope": SCOPE,
        "aud": AUDIENCE,
        "iat": now.timestamp(),
        "exp": (now + LIFE).timestamp(),
    });
    let unfit = |_| NoToken::Refused("private_key".into());
    let key = EncodingKey::from_rsa_pem(line.settings.private_key.as_bytes()).map_err(unfit)?;
    let assertion = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(unfit)?;
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", GRANT)
        .append_pair("assertion", &assertion)
        .finish();
    let headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
    let request =
        OutboundRequest { method: Method::POST, url: line.token.clone(), headers, body: form.into_bytes() };
    let answer = outbound.send(request).await.map_err(|error| match error {
        OutboundError::Blocked(why) | OutboundError::Unwritable(why) => NoToken::Refused(why),
        OutboundError::Busy(why) => NoToken::Busy(why),
        OutboundError::NotSent(why) | OutboundError::Ambiguous(why) => NoToken::Unreachable(why),
    })?;
    let body = wire::json(&answer).unwrap_or(Value::Null);
    if let (200, Some(token)) = (answer.status, body["access_token"].as_str()) {
        let seconds = body["expires_in"].as_i64().unwrap_or(3_600).clamp(0, 86_400);
        return Ok((token.to_owned(), now + TimeDelta::seconds(seconds)));
    }
    match (answer.status, body["error"].as_str()) {
        (400 | 401 | 403, Some(code)) => Err(NoToken::Refused(wire::word(code))),
        (status, _) => Err(NoToken::Unreachable(format!("Google answered {status}"))),
    }
}
