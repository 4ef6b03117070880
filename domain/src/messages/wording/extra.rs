//! What only one channel has, beside the text: typed, bounded, and with values filled in but no blocks.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::names::{has_blocks, names};
use crate::{
    error::FieldError,
    messages::{
        provider::Channel,
        template::{self, Parsed, Part, Room},
    },
};

/// Texts of one kind, and the bytes of each.
const MOST: usize = 20;
const LONGEST: usize = 1_024;
/// Names that FCM keeps for itself.
const RESERVED: [&str; 2] = ["from", "message_type"];

/// What only a channel has. Texts in it may name variables, like `{{name}}`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateExtra)]
pub struct Extra {
    /// `WhatsApp`: the template that Meta has approved, without which nobody can be written to first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<WhatsappTemplate>,
    /// Push: what the app is given beside title and text; up to 20 texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub data: Option<BTreeMap<String, String>>,
    /// Slack: the message that this one answers to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_ts: Option<String>,
}

/// A template that Meta has approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WhatsappTemplate {
    /// Small letters, digits and underscores.
    pub name: String,
    /// As Meta writes it, for example `en_US`.
    pub language: String,
    /// What its placeholders become, in their order; up to 20.
    #[serde(default)]
    pub parameters: Vec<String>,
}

/// The same with its texts parsed.
#[derive(Default)]
pub(super) struct Ready {
    template: Option<(String, String, Vec<Parsed>)>,
    data: Vec<(String, Parsed)>,
    thread_ts: Option<Parsed>,
}

impl Extra {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.template.is_none() && self.data.is_none() && self.thread_ts.is_none()
    }

    /// Parses its texts for a channel.
    ///
    /// # Errors
    /// All that is wrong with it there; pointers are relative to it.
    pub(super) fn ready_for(&self, channel: Channel) -> Result<Ready, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let parts = [
            ("/template", self.template.is_some(), Channel::Whatsapp),
            ("/data", self.data.is_some(), Channel::Push),
            ("/thread_ts", self.thread_ts.is_some(), Channel::Slack),
        ];
        for (pointer, there, only) in parts {
            if there && only != channel {
                wrong.push(FieldError::new(pointer, format!("only {} has it", only.as_str())));
            }
        }
        wrong.extend(self.template.iter().flat_map(WhatsappTemplate::check));
        wrong.extend(self.data.iter().flat_map(unfit_data));
        let mut parsed = Vec::new();
        for (pointer, text) in self.texts() {
            match plain(text) {
                Ok(text) => parsed.push(text),
                Err(why) => wrong.push(FieldError::new(pointer, why)),
            }
        }
        if wrong.is_empty() { Ok(self.with(parsed)) } else { Err(wrong) }
    }

    /// Its texts, by where they stand.
    fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        let parameters = self.template.iter().flat_map(|template| template.parameters.iter().enumerate());
        let parameters = parameters.map(|(at, text)| (format!("/template/parameters/{at}"), text.as_str()));
        let data = self.data.iter().flatten();
        let data = data.map(|(key, text)| (format!("/data/{}", escaped(key)), text.as_str()));
        let thread = self.thread_ts.iter().map(|text| ("/thread_ts".to_owned(), text.as_str()));
        parameters.chain(data).chain(thread)
    }

    /// Parses its texts, whatever channel it is of.
    ///
    /// # Errors
    /// A sentence on what to change.
    pub(super) fn ready(&self) -> Result<Ready, String> {
        let parsed = self.texts().map(|(_, text)| plain(text)).collect::<Result<_, _>>()?;
        Ok(self.with(parsed))
    }

    /// Itself with its texts as they were parsed, in the order of [`texts`](Self::texts).
    fn with(&self, parsed: Vec<Parsed>) -> Ready {
        let mut parsed = parsed.into_iter();
        let template = self.template.as_ref().map(|template| {
            let parameters = parsed.by_ref().take(template.parameters.len()).collect();
            (template.name.clone(), template.language.clone(), parameters)
        });
        let keys = self.data.iter().flat_map(BTreeMap::keys).cloned();
        Ready { template, data: keys.zip(parsed.by_ref()).collect(), thread_ts: parsed.next() }
    }
}

impl WhatsappTemplate {
    fn check(&self) -> Vec<FieldError> {
        let mut wrong = Vec::new();
        let small = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
        if !(1..=512).contains(&self.name.len()) || !self.name.bytes().all(small) {
            let detail = "the name that Meta has approved: small letters, digits and underscores";
            wrong.push(FieldError::new("/template/name", detail));
        }
        let letter = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
        if !(2..=15).contains(&self.language.len()) || !self.language.bytes().all(letter) {
            wrong.push(FieldError::new("/template/language", "as Meta writes it, for example en_US"));
        }
        if self.parameters.len() > MOST {
            wrong.push(FieldError::new("/template/parameters", format!("at most {MOST}")));
        }
        wrong
    }
}

impl Ready {
    /// The variables that it speaks of.
    pub(super) fn variables(&self) -> BTreeSet<String> {
        let parameters = self.template.iter().flat_map(|(_, _, parameters)| parameters);
        let data = self.data.iter().map(|(_, parsed)| parsed);
        parameters.chain(data).chain(&self.thread_ts).flat_map(names).collect()
    }

    pub(super) fn render(&self, variables: &Value, room: &mut Room) -> Result<Map<String, Value>, String> {
        room.for_extra();
        let mut text = |parsed: &Parsed| template::render(parsed, Part::Text, variables, room);
        let mut said = Map::new();
        if let Some((name, language, parameters)) = &self.template {
            let parameters = parameters.iter().map(&mut text).collect::<Result<Vec<_>, _>>()?;
            let template = json!({ "name": name, "language": language, "parameters": parameters });
            said.insert("template".to_owned(), template);
        }
        if !self.data.is_empty() {
            let data = self.data.iter().map(|(key, parsed)| Ok((key.clone(), Value::String(text(parsed)?))));
            said.insert("data".to_owned(), Value::Object(data.collect::<Result<_, String>>()?));
        }
        if let Some(thread) = &self.thread_ts {
            said.insert("thread_ts".to_owned(), Value::String(text(thread)?));
        }
        Ok(said)
    }
}

fn unfit_data(data: &BTreeMap<String, String>) -> Vec<FieldError> {
    let mut wrong = Vec::new();
    if data.len() > MOST {
        wrong.push(FieldError::new("/data", format!("at most {MOST}")));
    }
    for key in data.keys() {
        let letter = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'-' | b'.');
        let kept = RESERVED.contains(&key.as_str()) || key.starts_with("google") || key.starts_with("gcm");
        if kept || !(1..=100).contains(&key.len()) || !key.bytes().all(letter) {
            let detail = "a name of up to 100 letters, digits, dots, dashes and underscores that FCM does not keep for itself";
            wrong.push(FieldError::new(format!("/data/{}", escaped(key)), detail));
        }
    }
    wrong
}

/// A text that may name variables, and no more than that.
fn plain(source: &str) -> Result<Parsed, String> {
    if source.len() > LONGEST {
        return Err(format!("at most {LONGEST} bytes"));
    }
    let parsed = template::parse(source)?;
    if has_blocks(&parsed) {
        return Err("only values like {{name}} have a place here, no blocks".into());
    }
    Ok(parsed)
}

/// A key as a JSON pointer has it (RFC 6901, section 3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointers(channel: Channel, extra: Value) -> Vec<String> {
        let extra: Extra = serde_json::from_value(extra).expect("it is one");
        let wrong = extra.ready_for(channel).err().unwrap_or_default();
        wrong.into_iter().map(|error| error.pointer).collect()
    }

    #[test]
    fn each_channel_has_its_own() {
        use Channel::{Email, Push, Slack, Sms, Whatsapp};
        let template = json!({"template": {"name": "a_1", "language": "en_US", "parameters": ["{{a}}"]}});
        let (data, thread) = (json!({"data": {"deal": "{{id}}"}}), json!({"thread_ts": "{{ts}}"}));
        for (extra, wanted, pointer) in
            [(template, Whatsapp, "/template"), (data, Push, "/data"), (thread, Slack, "/thread_ts")]
        {
            for channel in [Email, Push, Slack, Sms, Whatsapp] {
                let wrong = if channel == wanted { vec![] } else { vec![pointer.to_owned()] };
                assert_eq!(pointers(channel, extra.clone()), wrong, "{extra} {channel:?}");
            }
        }
        assert!(pointers(Email, json!({})).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_named_where_it_stands() {
        let (long, many) = ("x".repeat(LONGEST + 1), vec!["x"; MOST + 1]);
        let whatsapp = |name: &str, language: &str, parameters: Value| json!({"template": {"name": name, "language": language, "parameters": parameters}});
        for (channel, extra, wanted) in [
            (Channel::Whatsapp, whatsapp("Not Small", "en", json!([])), "/template/name"),
            (Channel::Whatsapp, whatsapp("a", "e", json!([])), "/template/language"),
            (Channel::Whatsapp, whatsapp("a", "en", json!(many)), "/template/parameters"),
            (Channel::Whatsapp, whatsapp("a", "en", json!(["x", "{{"])), "/template/parameters/1"),
            (Channel::Whatsapp, whatsapp("a", "en", json!(["{{#if a}}x{{/if}}"])), "/template/parameters/0"),
            (Channel::Push, json!({"data": {"from": "x"}}), "/data/from"),
            (Channel::Push, json!({"data": {"a/b": "x"}}), "/data/a~1b"),
            (Channel::Push, json!({"data": {"k": long}}), "/data/k"),
        ] {
            assert_eq!(pointers(channel, extra), [wanted]);
        }
    }
}
