//! Examples of what is asked and answered, as the description shows them.
//!
//! Each file is a story: steps that follow each other in a tenant in which nothing has happened before. The tests send
//! every step as it stands there, so an example that is no longer true fails. Ids are made up and mean the same thing
//! throughout a story; instants are told as if it were the 2nd of March 2026.
//!
//! A new resource is a new file and a line of `FILES`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

/// The stories, by their names.
const FILES: [(&str, &str); 22] = [
    ("scores", include_str!("scores.json")),
    ("scoring_models", include_str!("scoring_models.json")),
    ("learned_models", include_str!("learned_models.json")),
    ("routing", include_str!("routing.json")),
    ("routing_rules", include_str!("routing_rules.json")),
    ("queues", include_str!("queues.json")),
    ("automation_metrics", include_str!("automation_metrics.json")),
    ("campaigns", include_str!("campaigns.json")),
    ("campaign_drafts", include_str!("campaign_drafts.json")),
    ("messages", include_str!("messages.json")),
    ("sequences", include_str!("sequences.json")),
    ("schedules", include_str!("schedules.json")),
    ("jobs", include_str!("jobs.json")),
    ("access", include_str!("access.json")),
    ("agents", include_str!("agents.json")),
    ("calls", include_str!("calls.json")),
    ("leads", include_str!("leads.json")),
    ("many_leads", include_str!("many_leads.json")),
    ("privacy", include_str!("privacy.json")),
    ("compliance", include_str!("compliance.json")),
    ("gamification", include_str!("gamification.json")),
    ("analytics", include_str!("analytics.json")),
];

/// Steps that follow each other.
#[derive(Debug, Clone)]
pub struct Story {
    pub name: &'static str,
    pub steps: Vec<Step>,
}

/// A request and what it is answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Method and path, as `PUT /api/v1/teams/{id}`.
    pub operation: String,
    /// What the example is called at its operation. Without a name the step only makes what later ones need, and is not
    /// shown.
    pub name: Option<String>,
    /// What it shows, in a sentence.
    #[serde(default)]
    pub summary: String,
    /// Parts of the path and of the query, by their names.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
    /// JSON, or a text that is a CSV file.
    pub body: Option<Value>,
    /// Of a step that is not shown: so often, with `{n}` in its body as the number of the time, from 1 on.
    pub times: Option<u32>,
    /// The status of the answer.
    pub status: u16,
    /// The body of the answer; nothing if it has none, or if only the request is shown.
    pub answer: Option<Value>,
    /// Where no answer is shown: what later steps call the `id` of it.
    pub makes: Option<String>,
}

impl Step {
    /// Method and path.
    #[must_use]
    pub fn route(&self) -> (&str, &str) {
        self.operation.split_once(' ').unwrap_or((self.operation.as_str(), ""))
    }

    /// The media type of the body.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.body {
            Some(Value::String(_)) => "text/csv",
            _ => "application/json",
        }
    }
}

/// All stories.
///
/// # Errors
/// If a file is not as [`Step`] says.
pub fn stories() -> Result<Vec<Story>, serde_json::Error> {
    FILES
        .into_iter()
        .map(|(name, text)| serde_json::from_str(text).map(|steps| Story { name, steps }))
        .collect()
}

/// Puts the steps that have a name into a description, each at its operation: parameters, body and answer under the same
/// name, which is how readers and tools know that they belong together. What has no place in the description is left
/// out; a test looks for it.
pub fn show(description: &mut Value, stories: &[Story]) {
    for step in stories.iter().flat_map(|story| &story.steps) {
        let (method, path) = step.route();
        let item = description.get_mut("paths").and_then(|paths| paths.get_mut(path));
        let operation = item.and_then(|item| item.get_mut(method.to_lowercase()));
        if let (Some(name), Some(operation)) = (&step.name, operation) {
            show_at(operation, name, step);
        }
    }
}

fn show_at(operation: &mut Value, name: &str, step: &Step) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let value = parameter["name"].as_str().and_then(|called| step.parameters.get(called));
        put(Some(parameter), value, name, &step.summary);
    }
    let content = operation.pointer_mut("/requestBody/content");
    let place = content.and_then(|content| content.get_mut(step.media_type()));
    put(place, step.body.as_ref(), name, &step.summary);
    // What fails is described once, whatever its status.
    let (status, media_type) = match step.status {
        400.. => ("default".to_owned(), "application/problem+json"),
        status => (status.to_string(), "application/json"),
    };
    let content = operation.pointer_mut(&format!("/responses/{status}/content"));
    let place = content.and_then(|content| content.get_mut(media_type));
    put(place, step.answer.as_ref(), name, &step.summary);
}

/// Adds an example to a part of an operation, if there are both.
fn put(place: Option<&mut Value>, value: Option<&Value>, name: &str, summary: &str) {
    if let (Some(place), Some(value)) = (place, value) {
        place["examples"][name] = json!({ "summary": summary, "value": value });
    }
}
