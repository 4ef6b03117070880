//! What Twilio tells by itself: statuses, and what people write.
//! <https://www.twilio.com/docs/usage/security#validating-requests>

use domain::{
    messages::{
        callback::{Callback, CallbackRequest, Inbound, Rejected, Reply, Told},
        keywords::{self, Keyword},
        provider::Scope,
        rules::Status,
        signatures,
    },
    types::MessageId,
};
use url::form_urlencoded;
use uuid::Uuid;

use super::{Settings, codes};

pub(super) fn read(settings: &Settings, request: &CallbackRequest<'_>) -> Result<Callback, Rejected> {
    let form: Vec<(String, String)> = form_urlencoded::parse(request.body).into_owned().collect();
    let signature = (request.header)("x-twilio-signature").unwrap_or_default();
    if !signatures::is_by_twilio(&settings.auth_token, request.url, &form, signature) {
        return Err(Rejected::Signature);
    }
    let field = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let sid =
        field("MessageSid").or_else(|| field("SmsSid")).ok_or(Rejected::Form("there is no MessageSid"))?;
    if field("MessageStatus").is_none_or(|status| status == "received")
        && let (Some(from), Some(body)) = (field("From"), field("Body"))
    {
        let reply = reply(settings, body);
        let inbound = vec![Inbound { provider_message_id: sid.into(), from: from.into(), body: body.into() }];
        return Ok(Callback { told: vec![], inbound, reply });
    }
    let status = field("MessageStatus").ok_or(Rejected::Form("there is no MessageStatus"))?;
    let code = field("ErrorCode").filter(|code| !code.is_empty() && *code != "0");
    let Some((tells, failure)) = codes::fate(status, code.and_then(|code| code.parse().ok())) else {
        return Ok(Callback::default());
    };
    let ours = form_urlencoded::parse(request.query.as_bytes()).find(|(name, _)| name == "message");
    let told = Told {
        message: ours.and_then(|(_, id)| Uuid::try_parse(&id).ok()).map(MessageId),
        provider_message_id: Some(sid.to_owned()),
        dedupe: format!("{sid} {status} {}", code.unwrap_or_default()),
        status: tells,
        failure,
        code: code.map(ToOwned::to_owned),
        suppress: (tells == Status::Bounced || code == Some("21610")).then_some(Scope::All),
        happened_at: None,
    };
    Ok(Callback { told: vec![told], ..Callback::default() })
}

/// What is answered to what somebody wrote: `TwiML`, empty but for HELP.
fn reply(settings: &Settings, body: &str) -> Reply {
    let help = settings.help_text.as_deref().filter(|_| keywords::read(body) == Some(Keyword::Help));
    let said = help.map_or_else(String::new, |text| format!("<Message>{}</Message>", escaped(text)));
    let body = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>{said}</Response>");
    Reply::Body { content_type: "text/xml; charset=utf-8", body }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
