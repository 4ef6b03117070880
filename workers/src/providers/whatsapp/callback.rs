//! What Meta tells by itself, many things at a time, in any order and repeated.
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples>

use chrono::{DateTime, Utc};
use domain::{
    messages::{
        callback::{Callback, CallbackMethod, CallbackRequest, Inbound, Rejected, Reply, Told},
        provider::Scope,
        rules::Status,
        signatures,
    },
    types::MessageId,
};
use serde_json::Value;
use url::form_urlencoded;
use uuid::Uuid;

use super::{Settings, codes};

pub(super) fn read(settings: &Settings, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
    if request.method == CallbackMethod::Get {
        return challenge(settings, request.query);
    }
    let signature = (request.header)("x-hub-signature-256").unwrap_or_default();
    if !signatures::is_by_meta(&settings.app_secret, request.body, signature) {
        return Err(Rejected::Signature);
    }
    let body: Value =
        serde_json::from_slice(request.body).map_err(|_| Rejected::Form("the body is not JSON"))?;
    let changes = list(&body["entry"]).flat_map(|entry| list(&entry["changes"]));
    let mut callback = Callback::default();
    // An app's callbacks are about all of its numbers.
    for value in changes.map(|change| &change["value"]).filter(|value| {
        value["metadata"]["phone_number_id"].as_str().is_none_or(|id| id == settings.phone_number_id)
    }) {
        callback.told.extend(list(&value["statuses"]).filter_map(told));
        callback.inbound.extend(list(&value["messages"]).filter_map(inbound));
    }
    Ok(callback)
}

/// What Meta asks when the address is entered.
fn challenge(settings: &Settings, query: &str) -> Result<Callback, Rejected> {
    let field = |name: &str| {
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    let word = field("hub.verify_token").unwrap_or_default();
    if field("hub.mode").as_deref() != Some("subscribe")
        || !signatures::is_same_secret(&word, &settings.verify_token)
    {
        return Err(Rejected::Signature);
    }
    let body = field("hub.challenge").ok_or(Rejected::Form("there is no hub.challenge"))?;
    Ok(Callback {
        reply: Reply::Body { content_type: "text/plain; charset=utf-8", body },
        ..Callback::default()
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn told(status: &Value) -> Option<Told> {
    let (id, name) = (status["id"].as_str()?, status["status"].as_str()?);
    let code = status["errors"][0]["code"].as_i64();
    let tells = match name {
        "sent" => Status::Sent,
        "delivered" => Status::Delivered,
        "read" => Status::Read,
        "failed" => Status::Failed,
        _ => return None,
    };
    let failure = (tells == Status::Failed).then(|| codes::failure(code.unwrap_or_default()));
    let seconds = status["timestamp"].as_str().and_then(|text| text.parse().ok());
    let ours = status["biz_opaque_callback_data"].as_str().and_then(|id| Uuid::try_parse(id).ok());
    Some(Told {
        message: ours.map(MessageId),
        provider_message_id: Some(id.to_owned()),
        dedupe: format!("{id} {name}"),
        status: tells,
        failure,
        code: code.map(|code| code.to_string()),
        suppress: (code == Some(131_050)).then_some(Scope::Marketing),
        happened_at: seconds.and_then(|seconds| DateTime::<Utc>::from_timestamp(seconds, 0)),
    })
}

fn inbound(message: &Value) -> Option<Inbound> {
    let body = message["text"]["body"].as_str().or_else(|| message["button"]["text"].as_str())?;
    Some(Inbound {
        provider_message_id: message["id"].as_str()?.to_owned(),
        from: format!("+{}", message["from"].as_str()?.trim_start_matches('+')),
        body: body.to_owned(),
    })
}
