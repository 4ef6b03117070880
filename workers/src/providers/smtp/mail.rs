//! A message as RFC 5322 wants it.

use chrono::{DateTime, Utc};
use domain::messages::{provider::Outgoing, verp};
use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart, SinglePart,
        header::{Header, HeaderName, HeaderValue},
    },
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

macro_rules! headers {
    ($($header:ident = $name:literal),+) => {$(
        #[derive(Clone)]
        struct $header(String);

        impl Header for $header {
            fn name() -> HeaderName {
                HeaderName::new_from_ascii_str($name)
            }

            fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
                Ok(Self(text.to_owned()))
            }

            fn display(&self) -> HeaderValue {
                HeaderValue::new(Self::name(), self.0.clone())
            }
        }
    )+};
}

headers!(ListUnsubscribe = "List-Unsubscribe", ListUnsubscribePost = "List-Unsubscribe-Post");

/// # Errors
/// Why no mail can be made of it.
pub fn build(settings: &Settings, outgoing: &Outgoing, now: DateTime<Utc>) -> Result<Mail, String> {
    let to: Address = outgoing.to.parse().map_err(|_| "the recipient's address is no address".to_owned())?;
    let author = settings.from.email.clone();
    let from = match &settings.bounce_domain {
        Some(domain) => {
            let path = verp::return_path(outgoing.message, domain);
            path.parse().map_err(|_| "the bounce_domain is no domain".to_owned())?
        }
        None => author.clone(),
    };
    let id = format!("<{}@{}>", outgoing.message, author.domain());
    let builder = Message::builder()
        .from(settings.from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(outgoing.subject.as_deref().unwrap_or_default())
        .date(now.into())
        .message_id(Some(id.clone()));
    // RFC 8058: one click, told to be one.
    let builder = match &outgoing.unsubscribe_url {
        Some(url) => builder
            .header(ListUnsubscribe(format!("<{url}>")))
            .header(ListUnsubscribePost("List-Unsubscribe=One-Click".into())),
        None => builder,
    };
    let plain = SinglePart::plain(outgoing.text.clone());
    let message = match &outgoing.html {
        None => builder.singlepart(plain),
        Some(html) => builder
            .multipart(MultiPart::alternative().singlepart(plain).singlepart(SinglePart::html(html.clone()))),
    };
    let message = message.map_err(|error| format!("no mail can be made of it: {error}"))?;
    Ok(Mail { from, to, id, bytes: message.formatted() })
}
