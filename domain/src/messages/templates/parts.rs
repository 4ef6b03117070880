//! Pure: the parts of a template, and what each channel takes.

use serde::Deserialize;
use serde_json::Value;

use super::TemplateView;
use crate::{
    error::{Error, FieldError, Result},
    messages::{
        provider::Channel,
        wording::{Extra, Wording},
    },
};

/// What a template says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateParts {
    /// The subject of an e-mail, the title of a push; no other channel has one.
    pub subject: Option<String>,
    pub text: String,
    /// Of e-mails only.
    pub html: Option<String>,
    /// What only the channel has.
    pub extra: Option<Extra>,
}

impl TemplateParts {
    /// Refuses what does not parse, and what the channel does not take.
    ///
    /// # Errors
    /// Every part that is wrong, with what to change.
    pub fn check(&self, channel: Channel) -> Result<()> {
        self.ready(channel).map(drop)
    }

    /// The same, and answers them ready to be filled in: each is parsed once.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn ready(&self, channel: Channel) -> Result<Wording> {
        let (subject, html) = (self.subject.as_deref(), self.html.as_deref());
        let parsed = Wording::parse_for(channel, subject, &self.text, html, self.extra.as_ref());
        let unfit = self.unfit(channel);
        match parsed {
            Ok(wording) if unfit.is_empty() => Ok(wording),
            Ok(_) => Err(Error::Invalid(unfit)),
            Err(wrong) => Err(Error::Invalid(wrong.into_iter().chain(unfit).collect())),
        }
    }

    /// What the channel does not take, or misses.
    fn unfit(&self, channel: Channel) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let is_blank = |part: &str| part.trim().is_empty();
        let has_subject = self.subject.as_deref().is_some_and(|subject| !is_blank(subject));
        if channel == Channel::Email && !has_subject {
            wrong.push(FieldError::new("/subject", "an e-mail needs a subject"));
        }
        if self.subject.is_some() && !matches!(channel, Channel::Email | Channel::Push) {
            wrong.push(FieldError::new("/subject", "only e-mail and push have one"));
        }
        if is_blank(&self.text) {
            wrong.push(FieldError::new("/text", "write what is said; blanks are not enough"));
        }
        if self.html.is_some() && channel != Channel::Email {
            wrong.push(FieldError::new("/html", "only e-mail has it"));
        }
        wrong
    }

    /// What the channel has, as it is stored; nothing if it says nothing.
    #[must_use]
    pub fn stored_extra(&self) -> Option<Value> {
        let extra = self.extra.as_ref().filter(|extra| !extra.is_empty())?;
        serde_json::to_value(extra).ok()
    }

    /// Whether a version says the same.
    #[must_use]
    pub fn are_of(&self, view: &TemplateView) -> bool {
        self.subject == view.subject
            && self.text == view.text
            && self.html == view.html
            && self.stored_extra() == view.extra
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(subject: Option<&str>, text: &str, html: Option<&str>) -> TemplateParts {
        let owned = |part: Option<&str>| part.map(ToOwned::to_owned);
        TemplateParts { subject: owned(subject), text: text.into(), html: owned(html), extra: None }
    }

    fn wrong(parts: &TemplateParts, channel: Channel) -> Vec<String> {
        match parts.check(channel) {
            Err(Error::Invalid(wrong)) => wrong.into_iter().map(|error| error.pointer).collect(),
            _ => vec![],
        }
    }

    #[test]
    fn each_channel_takes_its_own_parts() {
        use Channel::{Email, Push, Slack, Sms, Whatsapp};
        for (channel, subject, html, pointers) in [
            (Email, Some("Hi"), Some("<p>x</p>"), &[][..]),
            (Email, None, None, &["/subject"][..]),
            (Email, Some(" "), None, &["/subject"][..]),
            (Push, Some("Title"), None, &[][..]),
            (Push, None, None, &[][..]),
            (Push, None, Some("x"), &["/html"][..]),
            (Sms, None, None, &[][..]),
            (Sms, Some("Hi"), Some("x"), &["/subject", "/html"][..]),
            (Whatsapp, Some("Hi"), None, &["/subject"][..]),
            (Slack, None, Some("x"), &["/html"][..]),
        ] {
            assert_eq!(
                wrong(&parts(subject, "x", html), channel),
                pointers,
                "{channel:?} {subject:?} {html:?}"
            );
        }
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let bad = TemplateParts {
            extra: Some(Extra { thread_ts: Some("{{".into()), ..Extra::default() }),
            ..parts(Some("{{"), "{{> other}}", Some("{{#each a}}"))
        };
        assert_eq!(
            wrong(&bad, Channel::Email),
            ["/subject", "/text", "/html", "/extra/thread_ts", "/extra/thread_ts"]
        );
        assert_eq!(wrong(&parts(None, " ", None), Channel::Sms), ["/text"]);
    }
}
