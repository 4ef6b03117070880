//! A message as RFC 5322 wants it.

use chrono::{DateTime, Utc};
use domain::messages::provider::Outgoing;
use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart, SinglePart},
};

use super::settings::Settings;

/// What goes over the wire.
pub struct Mail {
    pub from: Address,
    pub to: Address,
    /// Stable for a message, so that a receiver can tell a copy.
    pub id: String,
    pub bytes: Vec<u8>,
}

/// # Errors
/// Why no mail can be made of it.
pub fn build(settings: &Settings, outgoing: &Outgoing, now: DateTime<Utc>) -> Result<Mail, String> {
    let to: Address = outgoing.to.parse().map_err(|_| "the recipient's address is no address".to_owned())?;
    let from = settings.from.email.clone();
    let id = format!("<{}@{}>", outgoing.message, from.domain());
    let builder = Message::builder()
        .from(settings.from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(outgoing.subject.as_deref().unwrap_or_default())
        .date(now.into())
        .message_id(Some(id.clone()));
    let plain = SinglePart::plain(outgoing.text.clone());
    let message = match &outgoing.html {
        None => builder.singlepart(plain),
        Some(html) => builder
            .multipart(MultiPart::alternative().singlepart(plain).singlepart(SinglePart::html(html.clone()))),
    };
    let message = message.map_err(|error| format!("no mail can be made of it: {error}"))?;
    Ok(Mail { from, to, id, bytes: message.formatted() })
}
