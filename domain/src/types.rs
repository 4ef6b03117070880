//! Values that cannot be bad: whoever holds one need not check it again.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    TenantId,
    UserId,
    RoleId,
    SessionId,
    ApiKeyId,
    /// Who runs the installation, outside of every tenant.
    OperatorId,
    AgentId,
    TeamId,
    SkillId,
    LeadId,
    ImportId,
    /// Something that was done with a lead.
    ActivityId,
    /// What is said of an attribute of leads.
    AttributeId,
    /// A rule by which leads are routed.
    RuleId,
    ProviderId,
    TemplateId,
    MessageId,
    /// An address that is not written to.
    SuppressionId,
    /// What somebody has agreed to last.
    ConsentId,
    CallId,
    /// A phone system that tells of calls.
    CallSourceId,
    /// An endpoint that is told of events.
    WebhookId,
    /// One event on its way to an endpoint, over all its attempts.
    WebhookDeliveryId,
    ScoringModelId,
    /// Messages that a lead gets one after the other.
    SequenceId,
    /// A lead on its way through a sequence.
    EnrolmentId,
    /// What a deed is worth.
    PointRuleId,
    /// A row of the ledger of points.
    PointEntryId,
    /// Where somebody stands by what they have ever earned.
    TierId,
    BadgeId,
    BadgeAwardId,
    ChallengeId,
    CompetitionId,
    /// What points are given for.
    RewardId,
    RedemptionId,
    /// What is sent to many.
    CampaignId,
    /// One sending of a campaign: the run of the workflow that carries it out.
    CampaignRunId,
    /// A person whose data is held: the owner of a data key. A lead's subject has the lead's id.
    SubjectId,
    /// Something that a person asked for about their data.
    PrivacyRequestId,
    /// A file with all that is held of somebody.
    ExportId,
    /// A file of rows, or of a report, that somebody took out.
    AnalyticsExportId,
    /// A report as somebody wants it again and again.
    SavedReportId,
    /// A request to forget somebody, and what is done about it.
    ErasureId,
    /// What keeps somebody from being forgotten.
    HoldId,
    RestrictionId,
    RectificationId,
}

/// A phone number in the form of ITU-T E.164: `+`, country code, subscriber number.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct E164(String);

/// An e-mail address of RFC 5321, its domain in lower case.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

/// A name of the IANA time zone database.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(String);

/// A language tag in the form of BCP 47: a language, and what narrows it down.
#[derive(Clone, PartialEq, Eq)]
pub struct Locale(String);

/// Why a text is not the value it should be, in words for its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

impl FromStr for E164 {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WANTED: Malformed =
            Malformed("write the phone number with + and country code, for example +14155550100");
        let text = text.trim();
        if text.len() > 40 || !text.starts_with('+') {
            return Err(WANTED);
        }
        let number = phonenumber::parse(None, text).map_err(|_| WANTED)?;
        if !number.is_valid() {
            return Err(Malformed("no country gives out such a phone number; check its digits"));
        }
        Ok(Self(number.format().mode(phonenumber::Mode::E164).to_string()))
    }
}

impl FromStr for EmailAddress {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WANTED: Malformed = Malformed("write one e-mail address, for example ada@example.com");
        let text = text.trim();
        let options = email_address::Options::default().without_display_text().without_domain_literal();
        email_address::EmailAddress::parse_with_options(text, options).map_err(|_| WANTED)?;
        let (local, domain) = text.rsplit_once('@').ok_or(WANTED)?;
        if !domain.contains('.') || text.chars().any(char::is_control) {
            return Err(WANTED);
        }
        Ok(Self(format!("{local}@{}", domain.to_lowercase())))
    }
}

impl FromStr for Zone {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WANTED: Malformed =
            Malformed("use a name of the IANA time zone database, for example Europe/Berlin or UTC");
        if engine::schedules::is_zone(text) { Ok(Self(text.to_owned())) } else { Err(WANTED) }
    }
}

/// The longest tag that RFC 5646, section 4.4.1, asks everybody to read.
const LONGEST_LOCALE: usize = 35;

impl FromStr for Locale {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        const WANTED: Malformed = Malformed("write a language tag (BCP 47), for example en or de-AT");
        let mut parts = text.split('-');
        let language = parts.next().unwrap_or_default();
        let is_language =
            (2..=3).contains(&language.len()) && language.bytes().all(|c| c.is_ascii_alphabetic());
        let is_plain =
            |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|c| c.is_ascii_alphanumeric());
        let holds = text.len() <= LONGEST_LOCALE && is_language && parts.all(is_plain);
        if holds { Ok(Self(text.to_owned())) } else { Err(WANTED) }
    }
}

impl EmailAddress {
    /// The form that equal addresses share, for blind indexes.
    #[must_use]
    pub fn normal(&self) -> String {
        self.0.to_lowercase()
    }
}

macro_rules! texts {
    ($($name:ident),+) => {$(
        impl $name {
            /// The value itself, for those who may see it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        /// Says nothing of the value: it is personal.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

texts!(E164, EmailAddress, Zone, Locale);

/// For fields of a change: absent leaves a value as it is, null removes it (RFC 7396).
///
/// # Errors
/// As the value's own form errs.
pub fn nullable<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// A name or other short text: not blank, at most `MAX` characters, no control characters.
#[derive(Clone, PartialEq, Eq)]
pub struct Text<const MAX: usize>(String);

impl<const MAX: usize> FromStr for Text<MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("write something here; blanks are not enough".into());
        }
        if text.chars().nth(MAX).is_some() {
            return Err(format!("at most {MAX} characters"));
        }
        if text.chars().any(char::is_control) {
            return Err("remove the control characters".into());
        }
        Ok(Self(text.to_owned()))
    }
}

impl<const MAX: usize> Text<MAX> {
    /// The text, without blanks at its ends.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says nothing of the value: it may be personal.
impl<const MAX: usize> fmt::Debug for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text<{MAX}>(…)")
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Text<MAX> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_become_e164_or_say_what_to_write() {
        let cases = [
            ("+1 415 555 0100", Some("+14155550100")),
            ("+49 30 901820", Some("+4930901820")),
            ("+81 3-1234-5678", Some("+81312345678")),
            ("415 555 0100", None),
            ("+1 415", None),
            ("+999 1234567", None),
            ("+14155550100; drop", None),
            ("", None),
        ];
        for (given, wanted) in cases {
            let got = given.parse::<E164>();
            assert_eq!(got.as_ref().ok().map(E164::as_str), wanted, "{given}");
        }
        assert!(!format!("{:?}", "+14155550100".parse::<E164>()).contains("415"));
    }

    #[test]
    fn addresses_are_one_address_and_nothing_else() {
        for (given, wanted) in [
            ("Ada@Example.COM", Some("Ada@example.com")),
            (" ada@example.com ", Some("ada@example.com")),
            ("ada@example", None),
            ("ada@", None),
            ("a@b.c, d@e.f", None),
            ("Ada <ada@example.com>", None),
            ("ada@[127.0.0.1]", None),
            ("ada\r\nBcc: x@example.com", None),
        ] {
            let got = given.parse::<EmailAddress>();
            assert_eq!(got.as_ref().ok().map(EmailAddress::as_str), wanted, "{given}");
        }
    }

    #[test]
    fn zones_and_languages_are_known_by_their_form() {
        for (zone, good) in [("Europe/Berlin", true), ("UTC", true), ("Mars/Olympus", false), ("", false)] {
            assert_eq!(zone.parse::<Zone>().is_ok(), good, "{zone}");
        }
        for (locale, good) in [
            ("en", true),
            ("de-AT", true),
            ("zh-Hant-TW", true),
            ("es-419", true),
            ("", false),
            ("e", false),
            ("english", false),
            ("en_US", false),
            ("en-", false),
            ("1n", false),
            ("en-a-subtag-that-goes-on-and-on-for-long", false),
        ] {
            assert_eq!(locale.parse::<Locale>().is_ok(), good, "{locale}");
        }
    }

    #[test]
    fn texts_are_bounded_by_characters_not_bytes() {
        assert!("日本語".parse::<Text<3>>().is_ok());
        for bad in ["", "  ", "abcd", "a\u{0}b"] {
            assert!(bad.parse::<Text<3>>().is_err(), "{bad:?}");
        }
    }
}
