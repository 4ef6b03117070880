//! A version of a template, ready to be filled in: its parts parsed, and what only its channel has.
//!
//! - [`extra`] what only a channel has; [`names`] which variables a text speaks of; both pure
//! - [`Wordings`] the versions in use, parsed once by each process

pub mod extra;
pub mod names;

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};
use serde_json::{Map, Value};

pub use extra::{Extra, WhatsappTemplate};

use super::{
    provider::Channel,
    template::{self, Parsed, Part},
};
use crate::types::TemplateId;

/// Versions that are kept at a time, and what they may take of memory together, roughly, in bytes.
const KEPT: usize = 2_000;
const KEPT_BYTES: u64 = 64 * 1024 * 1024;
/// What a version takes besides its text, and an expression in it, roughly, in bytes.
const VERSION: usize = 8 * 1024;
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
        let sources = [subject, Some(text), html].into_iter().flatten();
        let texts: usize = sources.map(weight).sum();
        let size = VERSION + texts + extra.map_or(0, |extra| weight(&extra.to_string()));
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
            size: u64::try_from(size).unwrap_or(u64::MAX),
        })
    }

    /// Fills all parts in. The first part that fails ends it.
    ///
    /// # Errors
    /// A sentence without any value in it: a variable that is missing, or a part that becomes too long or takes too
    /// many steps.
    pub fn render(&self, variables: &Value) -> Result<Rendered, String> {
        let part = |parsed: Option<&Parsed>, part| {
            parsed.map(|parsed| template::render(parsed, part, variables)).transpose()
        };
        Ok(Rendered {
            subject: part(self.subject.as_ref(), Part::Header)?,
            text: template::render(&self.text, Part::Text, variables)?,
            html: part(self.html.as_ref(), Part::Html)?,
            extra: self.extra.render(variables)?,
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

/// Wordings by the versions that they are of, of all tenants: a version never changes. Those that are used least make
/// room.
pub struct Wordings(Cache<TemplateId, Arc<Wording>, BySize>);

impl Default for Wordings {
    fn default() -> Self {
        Self(Cache::with_weighter(KEPT, KEPT_BYTES, BySize))
    }
}

impl Wordings {
    /// The wording of a version, if it is kept.
    #[must_use]
    pub fn kept(&self, id: TemplateId) -> Option<Arc<Wording>> {
        self.0.get(&id)
    }

    /// The wording of a version, which is made if it is not kept.
    ///
    /// # Errors
    /// What `make` says; that is not kept.
    pub fn get(
        &self,
        id: TemplateId,
        make: impl FnOnce() -> Result<Wording, String>,
    ) -> Result<Arc<Wording>, String> {
        if let Some(kept) = self.0.get(&id) {
            return Ok(kept);
        }
        let wording = Arc::new(make()?);
        self.0.insert(id, Arc::clone(&wording));
        Ok(wording)
    }
}

#[derive(Clone)]
struct BySize;

impl Weighter<TemplateId, Arc<Wording>> for BySize {
    fn weight(&self, _: &TemplateId, wording: &Arc<Wording>) -> u64 {
        wording.size
    }
}

fn weight(source: &str) -> usize {
    source.len() + EXPRESSION * source.matches("{{").count()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;
    use uuid::Uuid;

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

    #[test]
    fn a_version_is_parsed_once_and_a_failure_is_not_kept() {
        let (kept, id) = (Wordings::default(), TemplateId(Uuid::from_u128(1)));
        assert_eq!(kept.get(id, || Err("no".into())).err().as_deref(), Some("no"));
        let first = kept.get(id, || Ok(wording("one"))).expect("made");
        let again = kept.get(id, || Ok(wording("two"))).expect("kept");
        assert!(Arc::ptr_eq(&first, &again));
        let other = kept.get(TemplateId(Uuid::from_u128(2)), || Ok(wording("two"))).expect("made");
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let kept = Wordings::default();
        for id in 0..200 {
            let made = Wording { size: KEPT_BYTES / 100, ..wording("x") };
            kept.get(TemplateId(Uuid::from_u128(id)), || Ok(made)).expect("made");
        }
        assert!((1..=KEPT_BYTES).contains(&kept.0.weight()), "{}", kept.0.weight());
    }
}
