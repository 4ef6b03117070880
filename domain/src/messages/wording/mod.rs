//! A version of a template, ready to be filled in: its parts parsed, and what only its channel has.
//!
//! - [`extra`] what only a channel has; [`names`] which variables a text speaks of; both pure
//! - [`kept`] the versions in use, parsed once by each process

pub mod extra;
pub mod kept;
pub mod names;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

pub use extra::{Extra, WhatsappTemplate};
pub use kept::Wordings;

use super::{
    provider::Channel,
    template::{self, Parsed, Part, Room},
};
use crate::error::FieldError;

/// What a version takes besides its text, and an expression in it, roughly, in bytes.
const VERSION: u64 = 8 * 1024;
const EXPRESSION: usize = 512;

/// The parts of one version.
pub struct Wording {
    subject: Option<Parsed>,
    text: Parsed,
    html: Option<Parsed>,
    extra: extra::Ready,
    /// What it takes of memory, roughly.
    size: u64,
}

/// What a wording says to one person.
#[derive(Clone, PartialEq, Default)]
pub struct Rendered {
    pub subject: Option<String>,
    pub text: String,
    pub html: Option<String>,
    /// In the form of [`Extra`], its texts filled in.
    pub extra: Map<String, Value>,
}

impl Wording {
    /// Parses the parts of a template as they are stored.
    ///
    /// # Errors
    /// A sentence on what to change.
    pub fn parse(
        subject: Option<&str>,
        text: &str,
        html: Option<&str>,
        extra: Option<&Value>,
    ) -> Result<Self, String> {
        let extra_size = extra.map_or(0, |extra| weight(&extra.to_string()));
        let extra = match extra {
            Some(extra) => {
                serde_json::from_value(extra.clone()).map_err(|error| format!("extra: {error}"))?
            }
            None => Extra::default(),
        };
        Ok(Self {
            subject: subject.map(template::parse).transpose()?,
            text: template::parse(text)?,
            html: html.map(template::parse).transpose()?,
            extra: extra.ready()?,
            size: size(subject, text, html) + extra_size,
        })
    }

    /// Parses the parts of a template for a channel, each once.
    ///
    /// # Errors
    /// Every part that does not parse, and what of the extra does not fit the channel, by pointer.
    pub fn parse_for(
        channel: Channel,
        subject: Option<&str>,
        text: &str,
        html: Option<&str>,
        extra: Option<&Extra>,
    ) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut part = |pointer: &str, source: Option<&str>| match source.map(template::parse)? {
            Ok(parsed) => Some(parsed),
            Err(why) => {
                wrong.push(FieldError::new(pointer, why));
                None
            }
        };
        let size = size(subject, text, html);
        let (subject, text, html) =
            (part("/subject", subject), part("/text", Some(text)), part("/html", html));
        let extra = extra.map(|extra| extra.ready_for(channel)).transpose().unwrap_or_else(|unfit| {
            let below = |error: FieldError| FieldError::new(format!("/extra{}", error.pointer), error.detail);
            wrong.extend(unfit.into_iter().map(below));
            None
        });
        match text {
            Some(text) if wrong.is_empty() => {
                Ok(Self { subject, text, html, extra: extra.unwrap_or_default(), size })
            }
            _ => Err(wrong),
        }
    }

    /// The variables that its parts speak of.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<String> {
        let parts = [self.subject.as_ref(), Some(&self.text), self.html.as_ref()];
        let mut found: BTreeSet<String> = parts.into_iter().flatten().flat_map(names::names).collect();
        found.append(&mut self.extra.variables());
        found
    }

    /// Fills all parts in. The first part that fails ends it.
    ///
    /// # Errors
    /// A sentence without any value in it: a variable that is missing, a part that becomes too long or takes too many
    /// steps, or all of them together if they become too long.
    pub fn render(&self, variables: &Value) -> Result<Rendered, String> {
        let mut room = Room::of_message();
        let mut part = |parsed: &Parsed, part| template::render(parsed, part, variables, &mut room);
        Ok(Rendered {
            subject: self.subject.as_ref().map(|subject| part(subject, Part::Header)).transpose()?,
            text: part(&self.text, Part::Text)?,
            html: self.html.as_ref().map(|html| part(html, Part::Html)).transpose()?,
            extra: self.extra.render(variables, &mut room)?,
        })
    }
}

/// Makes variables what a channel takes for plain text. Slack reads `<!channel>` and its like out of any text, so a value
/// must not bring any (<https://docs.slack.dev/messaging/formatting-message-text#escaping>); what stands in the template
/// itself is the tenant's own.
pub fn fit(channel: Channel, variables: &mut Value) {
    if channel != Channel::Slack {
        return;
    }
    match variables {
        Value::String(text) if text.contains(['&', '<', '>']) => {
            *text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        }
        Value::Array(list) => list.iter_mut().for_each(|value| fit(channel, value)),
        Value::Object(fields) => fields.values_mut().for_each(|value| fit(channel, value)),
        _ => {}
    }
}

/// What the parts of a version take of memory, roughly.
fn size(subject: Option<&str>, text: &str, html: Option<&str>) -> u64 {
    let texts = [subject, Some(text), html].into_iter().flatten();
    VERSION + texts.map(weight).sum::<u64>()
}

fn weight(source: &str) -> u64 {
    u64::try_from(source.len() + EXPRESSION * source.matches("{{").count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn wording(text: &str) -> Wording {
        Wording::parse(None, text, None, None).expect("it parses")
    }

    #[test]
    fn all_parts_are_filled_in_each_as_it_is_used() {
        let extra = json!({"template": {"name": "hi", "language": "en", "parameters": ["{{name}}", "x"]}});
        let wording =
            Wording::parse(Some("For {{name}}"), "Dear {{name}}", Some("<p>{{name}}</p>"), Some(&extra));
        let said = wording.expect("it parses").render(&json!({"name": "A<b>\n"})).expect("it renders");
        assert_eq!(said.subject.as_deref(), Some("For A<b>"));
        assert_eq!((said.text.as_str(), said.html.as_deref()), ("Dear A<b>\n", Some("<p>A&lt;b&gt;\n</p>")));
        let template = json!({"name": "hi", "language": "en", "parameters": ["A<b>\n", "x"]});
        assert_eq!(Value::Object(said.extra), json!({ "template": template }));
        let bare = self::wording("Hi").render(&json!({})).expect("it renders");
        assert_eq!((bare.subject, bare.html, bare.extra.len()), (None, None, 0));
    }

    #[test]
    fn what_is_wrong_is_named_part_by_part_and_all_variables_are_told() {
        let extra: Extra = serde_json::from_value(json!({"thread_ts": "{{ts}}"})).expect("it is one");
        let (subject, html) = (Some("{{deal.name}}"), Some("{{#each items}}{{price}}{{/each}}"));
        let good = Wording::parse_for(Channel::Slack, subject, "Hi {{name}}", html, Some(&extra));
        let good = good.unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let variables: Vec<String> = good.variables().into_iter().collect();
        assert_eq!(variables, ["deal", "items", "name", "ts"]);
        let bad = Wording::parse_for(Channel::Sms, Some("{{"), "{{> x}}", Some("{{#each a}}"), Some(&extra));
        let pointers: Vec<String> =
            bad.err().unwrap_or_default().into_iter().map(|error| error.pointer).collect();
        assert_eq!(pointers, ["/subject", "/text", "/html", "/extra/thread_ts"]);
    }

    #[test]
    fn what_is_missing_fails_the_whole_and_no_value_is_told() {
        for (subject, text, html) in [
            (Some("{{gone}}"), "x", None),
            (None, "{{secret}} {{gone}}", None),
            (None, "x", Some("{{gone}}")),
        ] {
            let wording = Wording::parse(subject, text, html, None).expect("it parses");
            let why = wording.render(&json!({"secret": "hunter2"})).err().expect("it fails");
            assert!(!why.contains("hunter2"), "{why}");
        }
        let extra = json!({"data": {"k": "{{gone}}"}});
        let wording = Wording::parse(None, "x", None, Some(&extra)).expect("it parses");
        assert!(wording.render(&json!({})).is_err());
        assert!(Wording::parse(None, "{{", None, None).is_err());
        assert!(Wording::parse(None, "x", None, Some(&json!({"colour": "red"}))).is_err());
    }

    #[test]
    fn a_small_template_does_not_become_a_large_message() {
        let why = |subject, text: &str, html, extra: Option<&Value>, variables: &Value| {
            let wording = Wording::parse(subject, text, html, extra).expect("it parses");
            wording.render(variables).err()
        };
        let kib = |n: usize| json!({"a": "x".repeat(n * 1024)});
        let (text, part) = (Some("{{a}}"), "the rendered text is longer than 256 KiB");
        assert_eq!(why(None, "{{a}}", None, None, &kib(256)), None);
        assert_eq!(why(None, "{{a}}{{a}}", None, None, &kib(129)).as_deref(), Some(part));
        assert_eq!(why(text, "{{a}}", text, None, &kib(170)), None);
        let whole = why(text, "{{a}}", text, None, &kib(171)).expect("too long");
        assert!(whole.contains("512 KiB, all its parts together"), "{whole}");
        let fields: Map<String, Value> = (0..20).map(|n| (format!("k{n}"), json!("{{a}}"))).collect();
        let data = json!({ "data": fields });
        assert_eq!(why(None, "x", None, Some(&data), &kib(4)), None);
        let field = why(None, "x", None, Some(&data), &kib(5)).expect("too long");
        assert!(field.contains("longer than 4 KiB"), "{field}");
        // They are of the same budget.
        let (long, short) = ("x".repeat(255 * 1024), "x".repeat(4 * 1024));
        let both = json!({"a": short, "b": long});
        let whole = why(None, "{{b}}", Some("{{b}}"), Some(&data), &both).expect("too long");
        assert!(whole.contains("512 KiB"), "{whole}");
    }

    /// The fastest of some tries, for the machine may do other things meanwhile.
    #[test]
    fn a_template_that_runs_away_is_given_up_within_a_tenth_of_a_second() {
        let many = json!({"a": vec![0; 999], "b": "x".repeat(1_000)});
        for bomb in [
            "{{#each a}}{{#each @root.a}}{{@root.b}}{{/each}}{{/each}}",
            "{{#each a}}{{#each @root.a}}{{/each}}{{/each}}",
            "{{#each a}}{{#each @root.a}}{{#if @root.b}}{{/if}}{{/each}}{{/each}}",
        ] {
            let wording = wording(bomb);
            let tries = (0..5).map(|_| {
                let began = Instant::now();
                assert!(wording.render(&many).is_err(), "{bomb}");
                began.elapsed()
            });
            let fastest = tries.min().expect("five");
            assert!(fastest < Duration::from_millis(100), "{bomb}: {fastest:?}");
        }
    }

    #[test]
    fn a_value_calls_nobody_together_in_slack() {
        let mut variables = json!({"name": "<!channel> & co", "list": [{"x": "<a>"}], "n": 1});
        let plain = variables.clone();
        fit(Channel::Sms, &mut variables);
        assert_eq!(variables, plain, "elsewhere it is plain text");
        fit(Channel::Slack, &mut variables);
        let safe = json!({"name": "&lt;!channel&gt; &amp; co", "list": [{"x": "&lt;a&gt;"}], "n": 1});
        assert_eq!(variables, safe);
    }
}
