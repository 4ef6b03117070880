//! How a template would look, without anything being sent.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{TemplateParts, one};
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    messages::{
        provider::Channel,
        segments, store,
        wording::{self, Extra, Wording},
    },
    types::TemplateId,
};

/// What to look at: a version by its id, or parts that are not saved yet.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateSample {
    pub template_id: Option<TemplateId>,
    /// Of parts that are not saved yet; e-mail if not said.
    pub channel: Option<Channel>,
    pub subject: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub extra: Option<Extra>,
    /// What the template speaks of.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
}

/// How it would look.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TemplatePreview {
    pub channel: String,
    pub subject: Option<String>,
    /// None if it cannot be filled in.
    pub text: Option<String>,
    pub html: Option<String>,
    #[schema(value_type = Option<Extra>)]
    pub extra: Option<Value>,
    /// Why it cannot be filled in with these variables.
    pub problem: Option<String>,
    /// The variables that it speaks of, in order.
    pub variables: Vec<String>,
    /// Those of them that were not given.
    pub missing: Vec<String>,
    /// Of a short message: in how many parts it would go out.
    pub segments: Option<SegmentsView>,
}

/// The parts of a short message.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SegmentsView {
    /// `gsm7` or `ucs2`.
    pub encoding: String,
    pub count: usize,
    /// Characters of the encoding that it takes.
    pub units: usize,
}

/// Fills a template in with sample data.
///
/// # Errors
/// If neither or both of a version and parts are named, there is no such version, or the parts do not fit their channel.
pub async fn preview(ctx: &Ctx, sample: TemplateSample) -> Result<TemplatePreview> {
    ctx.require(Permission::TemplatesRead)?;
    let TemplateSample { template_id, channel, subject, text, html, extra, variables } = sample;
    let (channel, parts) = match (template_id, text) {
        (Some(id), None) if channel.is_none() && subject.is_none() && html.is_none() && extra.is_none() => {
            stored(ctx, id).await?
        }
        (None, Some(text)) => {
            (channel.unwrap_or(Channel::Email), TemplateParts { subject, text, html, extra })
        }
        _ => {
            let detail = "name a template_id and no parts, or the parts to look at with a text";
            return Err(Error::invalid("", detail));
        }
    };
    Ok(filled(channel, &parts.ready(channel)?, variables))
}

/// The parts of a version.
async fn stored(ctx: &Ctx, id: TemplateId) -> Result<(Channel, TemplateParts)> {
    let view = match one(&mut ctx.begin().await?, id).await {
        Err(Error::NotFound(_)) => return Err(Error::invalid("/template_id", "there is no such template")),
        found => found?,
    };
    let extra = view.extra.map(serde_json::from_value).transpose().map_err(Error::internal)?;
    let parts = TemplateParts { subject: view.subject, text: view.text, html: view.html, extra };
    Ok((store::stored_channel(&view.channel)?, parts))
}

fn filled(channel: Channel, wording: &Wording, variables: Map<String, Value>) -> TemplatePreview {
    let named = wording.variables();
    let missing = named.iter().filter(|name| !variables.contains_key(*name)).cloned().collect();
    let mut variables = Value::Object(variables);
    wording::fit(channel, &mut variables);
    let (said, problem) = match wording.render(&variables) {
        Ok(said) => (Some(said), None),
        Err(why) => (None, Some(why)),
    };
    let short = said.as_ref().filter(|_| channel == Channel::Sms);
    let segments = short.map(|said| SegmentsView::of(&said.text));
    let (subject, text, html, extra) = match said {
        Some(said) => (said.subject, Some(said.text), said.html, Some(said.extra)),
        None => (None, None, None, None),
    };
    TemplatePreview {
        channel: channel.as_str().to_owned(),
        subject,
        text,
        html,
        extra: extra.filter(|extra| !extra.is_empty()).map(Value::Object),
        problem,
        variables: named.into_iter().collect(),
        missing,
        segments,
    }
}

impl SegmentsView {
    fn of(text: &str) -> Self {
        let counted = segments::count(text);
        Self { encoding: counted.encoding.as_str().to_owned(), count: counted.segments, units: counted.units }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn look(channel: Channel, text: &str, variables: Value) -> TemplatePreview {
        let parts = TemplateParts { subject: None, text: text.into(), html: None, extra: None };
        let Value::Object(variables) = variables else { panic!("an object") };
        filled(channel, &parts.ready(channel).expect("they fit"), variables)
    }

    #[test]
    fn what_is_missing_is_named_and_nothing_is_shown() {
        let seen = look(Channel::Slack, "{{name}} {{deal}}", json!({"name": "Ada"}));
        assert_eq!((seen.text, seen.missing, seen.segments.is_none()), (None, vec!["deal".to_owned()], true));
        assert_eq!(seen.variables, ["deal", "name"]);
        assert!(seen.problem.is_some_and(|why| !why.contains("Ada")));
    }

    #[test]
    fn a_short_message_shows_its_parts_and_no_other_does() {
        let seen = look(Channel::Sms, "{{text}}", json!({"text": "x".repeat(161)}));
        let segments = seen.segments.expect("it has some");
        assert_eq!((segments.encoding.as_str(), segments.count, segments.units), ("gsm7", 2, 161));
        let seen = look(Channel::Sms, "Grüße 日本", json!({}));
        assert_eq!(
            seen.segments.map(|segments| (segments.encoding, segments.count)),
            Some(("ucs2".into(), 1))
        );
        assert!(look(Channel::Whatsapp, "x", json!({})).segments.is_none());
    }
}
