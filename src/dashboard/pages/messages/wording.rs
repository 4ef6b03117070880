//! What the sandbox delivered, taken apart for each channel. Nothing of it becomes markup of the page: mail is shown as its
//! text and as the source of its HTML.

use domain::messages::{
    provider::{Channel, Outgoing},
    segments,
};
use serde_json::Value;

use crate::dashboard::ui;

/// A part of a delivery.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: &'static str,
    pub text: String,
    /// It is source and not words: shown once somebody opens it.
    pub folded: bool,
}

/// A delivery as it would have come to its recipient.
#[derive(Debug)]
pub struct Wording {
    pub to: String,
    /// Said in one line: a subject, a title, or how the text begins.
    pub headline: String,
    pub parts: Vec<Part>,
    /// What there is to know of it besides.
    pub note: Option<String>,
}

/// The longest headline, in characters.
const LONGEST: usize = 80;

/// Takes a delivery apart; none if it is not there any more or may not be seen.
pub fn wording(channel: Option<Channel>, content: Option<Value>) -> Option<Wording> {
    let sent: Outgoing = serde_json::from_value(content?).ok()?;
    let part = |name, text: String| Part { name, text, folded: false };
    let folded = |name, text: String| Part { name, text, folded: true };
    let titled = if channel == Some(Channel::Push) { "Title" } else { "Subject" };
    let mut parts = Vec::new();
    if let Some(subject) = &sent.subject {
        parts.push(part(titled, subject.clone()));
    }
    parts.push(part("Text", sent.text.clone()));
    if let Some(html) = sent.html {
        parts.push(folded("Source of the HTML", html));
    }
    if !sent.extra.is_empty() {
        let name = match channel {
            Some(Channel::Whatsapp) => "Template that Meta knows",
            Some(Channel::Push) => "What the app is given",
            Some(Channel::Slack) => "What it answers to",
            _ => "Besides",
        };
        parts.push(folded(name, ui::pretty(&sent.extra)));
    }
    if let Some(url) = sent.unsubscribe_url {
        parts.push(folded("Where a click ends this mail", url));
    }
    let note = (channel == Some(Channel::Sms)).then(|| {
        let counted = segments::count(&sent.text);
        let word = if counted.segments == 1 { "segment" } else { "segments" };
        format!("{} {word}, {} units in {}", counted.segments, counted.units, counted.encoding.as_str())
    });
    let headline = sent.subject.unwrap_or(sent.text);
    let line = headline.lines().next().unwrap_or_default();
    let short: String = line.chars().take(LONGEST).collect();
    let headline = if short.len() < line.len() { format!("{short}…") } else { short };
    Some(Wording { to: sent.to, headline, parts, note })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(more: &Value) -> Value {
        let nil = uuid::Uuid::nil();
        let mut sent = json!({ "message": nil, "subject_id": nil, "to": "ada@example.com", "subject": null,
                               "text": "Dear Ada\nbye", "html": null });
        sent.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        sent
    }

    fn parts(channel: Channel, more: &Value) -> (String, Vec<(&'static str, bool)>, bool) {
        let shown = wording(Some(channel), Some(sent(more))).expect("it is there");
        let parts = shown.parts.iter().map(|part| (part.name, part.folded)).collect();
        (shown.headline, parts, shown.note.is_some())
    }

    #[test]
    fn each_channel_has_its_parts() {
        let (text, subject) = (("Text", false), ("Subject", false));
        let mail = json!({"subject": "Hi", "html": "<b>Ada</b>", "unsubscribe_url": "https://x.example/u"});
        let source = [("Source of the HTML", true), ("Where a click ends this mail", true)];
        assert_eq!(
            parts(Channel::Email, &mail),
            ("Hi".into(), [&[subject, text][..], &source[..]].concat(), false)
        );
        assert_eq!(parts(Channel::Sms, &json!({})), ("Dear Ada".into(), vec![text], true));
        let push = json!({"subject": "Hi", "extra": {"data": {"order": "7"}}});
        let given = [("Title", false), text, ("What the app is given", true)];
        assert_eq!(parts(Channel::Push, &push), ("Hi".into(), given.to_vec(), false));
        assert!(wording(Some(Channel::Sms), None).is_none(), "the person was erased");
    }

    #[test]
    fn a_headline_is_one_short_line() {
        let long =
            wording(None, Some(sent(&json!({"text": "é".repeat(200)})))).expect("it is there").headline;
        assert_eq!(long.chars().count(), LONGEST + 1);
    }
}
