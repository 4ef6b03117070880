//! Whom a message is to, as its channel addresses people. Pure.

use super::provider::Channel;
use crate::{
    types::{E164, EmailAddress, Malformed},
    vault::{TenantKeys, mask},
};

/// The longest name of a Slack channel or user.
const LONGEST_SLACK: usize = 200;
/// FCM says no limit of a registration token; they have about 160 characters.
const LONGEST_TOKEN: usize = 4_096;

/// An address that its channel can take.
#[derive(Clone, PartialEq, Eq)]
pub enum Recipient {
    Email(EmailAddress),
    /// SMS and WhatsApp.
    Phone(E164),
    /// A channel, a person or a conversation by its id, or a channel by `#name`: of a message to that one nobody can
    /// find out whether it is there, if Slack's answer is lost.
    Slack(String),
    /// A device, by the token that its app was given.
    Device(String),
}

impl Recipient {
    /// # Errors
    /// What to write instead.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, Malformed> {
        match channel {
            Channel::Email => text.parse().map(Self::Email),
            Channel::Sms | Channel::Whatsapp => text.parse().map(Self::Phone),
            Channel::Slack => slack(text.trim()).map(Self::Slack),
            Channel::Push => device(text.trim()).map(Self::Device),
        }
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Email(address) => address.as_str(),
            Self::Phone(number) => number.as_str(),
            Self::Slack(text) | Self::Device(text) => text,
        }
    }

    /// The form that equal addresses share, for blind indexes.
    #[must_use]
    pub fn normal(&self) -> String {
        match self {
            Self::Email(address) => address.normal(),
            other => other.as_str().to_owned(),
        }
    }

    /// The blind index by which it is found.
    pub(crate) fn index(&self, keys: &TenantKeys) -> Vec<u8> {
        index_of(keys, &self.normal())
    }
}

/// What is shown of a channel's addresses to whoever may not see them.
#[must_use]
pub fn mask_of(channel: Channel) -> fn(&str) -> String {
    match channel {
        Channel::Email => mask::email,
        Channel::Sms | Channel::Whatsapp | Channel::Slack | Channel::Push => mask::phone,
    }
}

/// A sentence about a message without whom the message was to. Adapters keep codes and words of their own, and not what a
/// provider says; where one lets an address through it is not kept in plain all the same.
#[must_use]
pub(super) fn unnamed(text: &str, to: &str) -> String {
    let digits = to.strip_prefix('+').unwrap_or_default();
    let encoded = to.replace('+', "%2B").replace('@', "%40");
    let mut bare = text.to_owned();
    for named in [to, &encoded, digits].into_iter().filter(|named| named.len() >= SHORTEST_NAMED) {
        bare = replaced(&bare, named);
    }
    bare
}

/// What is shorter is a word and nobody's address.
const SHORTEST_NAMED: usize = 5;

/// The text with an ellipsis in the place of a part, in whatever case it stands there.
fn replaced(text: &str, part: &str) -> String {
    let (mut all, mut rest) = (String::with_capacity(text.len()), text);
    let part = part.to_ascii_lowercase();
    // Lower case of ASCII changes no length, so places in one are places in the other.
    while let Some(at) = rest.to_ascii_lowercase().find(&part) {
        all.push_str(&rest[..at]);
        all.push('…');
        rest = &rest[at + part.len()..];
    }
    all + rest
}

/// The blind index of a normal form: the same for messages to somebody, what they write, what they agree to and what keeps
/// messages from them.
#[must_use]
pub(super) fn index_of(keys: &TenantKeys, normal: &str) -> Vec<u8> {
    keys.index("messages.to", normal)
}

fn slack(text: &str) -> Result<String, Malformed> {
    const WANTED: Malformed = Malformed("write the channel's id, for example C0123456789, or #name");
    let name = text.strip_prefix('#').unwrap_or(text);
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    if name.is_empty() || text.len() > LONGEST_SLACK || !name.chars().all(is_plain) {
        return Err(WANTED);
    }
    Ok(text.to_owned())
}

fn device(text: &str) -> Result<String, Malformed> {
    const WANTED: Malformed = Malformed("write the registration token that the app was given for the device");
    let holds = !text.is_empty() && text.len() <= LONGEST_TOKEN && text.bytes().all(|b| b.is_ascii_graphic());
    if holds { Ok(text.to_owned()) } else { Err(WANTED) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_takes_its_own_addresses() {
        for (channel, text, wanted) in [
            (Channel::Email, "Ada@Example.COM", Some("Ada@example.com")),
            (Channel::Email, "+14155550100", None),
            (Channel::Sms, "+1 415 555 0100", Some("+14155550100")),
            (Channel::Whatsapp, "+4930901820", Some("+4930901820")),
            (Channel::Sms, "ada@example.com", None),
            (Channel::Slack, " C0123456789 ", Some("C0123456789")),
            (Channel::Slack, "#general", Some("#general")),
            (Channel::Slack, "#", None),
            (Channel::Slack, "a channel", None),
            (Channel::Push, "fcm:token-1_2", Some("fcm:token-1_2")),
            (Channel::Push, "two words", None),
            (Channel::Push, "", None),
        ] {
            let got = Recipient::parse(channel, text).ok();
            assert_eq!(got.as_ref().map(Recipient::as_str), wanted, "{channel:?} {text}");
        }
        let long = "x".repeat(LONGEST_TOKEN + 1);
        assert!(Recipient::parse(Channel::Push, &long).is_err());
    }

    #[test]
    fn a_sentence_about_a_message_does_not_say_whom_it_was_to() {
        for (text, to, wanted) in [
            ("550 5.1.1 <Ada@Example.com>: unknown", "ada@example.com", "550 5.1.1 <…>: unknown"),
            ("no such number +14155550100 (14155550100)", "+14155550100", "no such number … (…)"),
            ("GET /v1/to=%2B14155550100 failed", "+14155550100", "GET /v1/to=… failed"),
            ("GET /ada%40example.com failed", "ada@example.com", "GET /… failed"),
            ("for ıİ ada@example.com ıİ", "ada@example.com", "for ıİ … ıİ"),
            ("#it is away", "#it", "#it is away"),
            ("the server answered 550 5.1.1", "ada@example.com", "the server answered 550 5.1.1"),
            ("", "", ""),
        ] {
            assert_eq!(unnamed(text, to), wanted, "{text}");
        }
    }

    #[test]
    fn equal_addresses_are_found_alike_and_little_of_them_is_shown() {
        let one = Recipient::parse(Channel::Email, "ADA@example.com").expect("an address");
        let two = Recipient::parse(Channel::Email, "ada@Example.com").expect("an address");
        assert_eq!(one.normal(), two.normal());
        for channel in Channel::ALL {
            assert!(!mask_of(channel)("ada.lovelace@example.com").contains("lovelace"), "{channel:?}");
        }
        assert_eq!(mask_of(Channel::Sms)("+14155550100"), "•••00");
    }
}
