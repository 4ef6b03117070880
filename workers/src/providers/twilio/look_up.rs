//! What became of a message whose answer was lost: found among what was sent to its number since.
//! <https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources>
//!
//! The list is narrowed by the date of sending, which a message has only once it was sent, and its page does not say
//! whether one that still waits is shown then. So what is not found is looked for among all that the number was ever
//! sent before it is called not there.

use chrono::{DateTime, Utc};
use domain::messages::provider::{Asked, Found};
use http::Method;
use serde_json::Value;

use super::{Line, codes};
use crate::{providers::http as wire, rim::outbound::Outbound};

/// So few that a page of long messages stays below what is read of an answer.
const PAGE: &str = "20";
const MOST_PAGES: usize = 20;

pub(super) async fn look_up(outbound: &Outbound, line: &Line, asked: &Asked) -> Found {
    let since = asked.since - wire::SLACK;
    match among(outbound, line, asked, since, true).await {
        Found::NotThere => among(outbound, line, asked, since, false).await,
        found => found,
    }
}

/// Looks through what the number was sent; `dated` leaves out what was sent before.
async fn among(outbound: &Outbound, line: &Line, asked: &Asked, since: DateTime<Utc>, dated: bool) -> Found {
    let unclear = |text: &str| Found::Unclear { text: text.into() };
    let mut url = line.url("/Messages.json");
    url.query_pairs_mut().append_pair("To", &asked.outgoing.to).append_pair("PageSize", PAGE);
    if dated {
        let since = since.format("%Y-%m-%dT%H:%M:%SZ").to_string();
        url.query_pairs_mut().append_pair("DateSent>", &since);
    }
    let mut fitting: Vec<Value> = Vec::new();
    for _ in 0..MOST_PAGES {
        let body = match wire::look(outbound, line.request(Method::GET, url.clone(), vec![])).await {
            Ok(body) => body,
            Err(unclear) => return unclear,
        };
        let Some(messages) = body["messages"].as_array() else {
            return unclear("Twilio's list has another form than it documents");
        };
        fitting.extend(messages.iter().filter(|message| is_since(message, since)).cloned());
        let Some(next) = body["next_page_uri"].as_str() else { return found(&fitting, &asked.outgoing.text) };
        // The token goes along, so it goes nowhere else.
        let Some(next) = line.base.join(next).ok().filter(|next| next.origin() == line.base.origin()) else {
            return unclear("Twilio's list goes on at another server");
        };
        url = next;
    }
    unclear("the number has had too many messages to tell")
}

fn is_since(message: &Value, since: DateTime<Utc>) -> bool {
    let created = message["date_created"].as_str().and_then(|at| DateTime::parse_from_rfc2822(at).ok());
    message["direction"].as_str().is_none_or(|direction| direction.starts_with("outbound"))
        && created.is_none_or(|at| at.with_timezone(&Utc) >= since)
}

/// Of several that say the same to the same number nobody can tell which one is ours, so nothing is concluded. Nor is it of
/// one that says something else: Twilio may keep a body otherwise than it was sent, as for trials or where it is redacted.
fn found(since: &[Value], text: &str) -> Found {
    let same: Vec<&Value> = since.iter().filter(|message| message["body"].as_str() == Some(text)).collect();
    match same.as_slice() {
        [] if since.is_empty() => Found::NotThere,
        [] => {
            Found::Unclear { text: "the number was sent other texts since, one of which may be ours".into() }
        }
        [message] => {
            let code = message["error_code"].as_u64();
            let status = message["status"].as_str().unwrap_or_default();
            match codes::fate(status, code) {
                Some((status, failure)) => Found::There {
                    provider_message_id: wire::name(&message["sid"]),
                    status,
                    failure,
                    code: code.map(|code| code.to_string()),
                },
                None => Found::Unclear { text: "Twilio tells a status that is not known".into() },
            }
        }
        _ => Found::Unclear { text: "several messages say the same to this number".into() },
    }
}
