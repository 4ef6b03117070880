//! Procedures of many steps, one file each: what follows what. Their inputs, and the payloads of their steps, are in
//! `domain`; the handlers of the steps are in `workers`.

mod archive_logs;
mod erase_subject;
mod export_subject;
mod onboard_lead;
mod rotate_keys;
mod run_campaign;

use engine::{Flow, JobKind, Outcome};
use serde_json::value::RawValue;
use uuid::Uuid;

/// From tenant, version and input to the steps.
type Begin = dyn Fn(Uuid, i16, &RawValue) -> Outcome + Send + Sync;

/// A workflow that this build can begin.
pub struct Workflow {
    pub name: &'static str,
    /// Names it had before.
    pub aliases: &'static [&'static str],
    /// The newest version of its input that it reads.
    pub version: i16,
    begin: Box<Begin>,
}

/// The workflows of this build.
#[must_use]
pub fn all() -> Vec<Workflow> {
    vec![
        Workflow::of(onboard_lead::steps),
        Workflow::of(run_campaign::steps),
        Workflow::of(archive_logs::steps),
        Workflow::of(rotate_keys::steps),
        Workflow::of(export_subject::steps),
        Workflow::of(erase_subject::steps),
    ]
}

impl Workflow {
    fn of<K: JobKind>(steps: fn(&mut Flow, &K)) -> Self {
        let begin = move |tenant, version, input: &RawValue| match K::decode(version, input) {
            Ok(input) => {
                let mut flow = Flow::new(tenant);
                steps(&mut flow, &input);
                flow.begin()
            }
            Err(why) => Outcome::Discard { code: "bad_payload", why },
        };
        Self { name: K::KIND, aliases: K::ALIASES, version: K::VERSION, begin: Box::new(begin) }
    }

    /// What the first job of a tenant's run answers: the steps for this input.
    #[must_use]
    pub fn begin(&self, tenant: Uuid, version: i16, input: &RawValue) -> Outcome {
        (self.begin)(tenant, version, input)
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        messages::to_lead::MessageLead,
        workflows::{OnboardLead, WRITING},
    };
    use serde_json::{Value, json};

    use super::*;

    /// An input that leads to all steps that a workflow can have.
    fn input(workflow: &str) -> Value {
        let id = Uuid::nil();
        match workflow {
            OnboardLead::KIND => json!({
                "lead_id": id, "strategy": "team", "team_id": id, "provider_id": id, "welcome_template_id": id,
                "follow_up_template_id": id,
            }),
            "run_campaign" => json!({ "campaign": id }),
            "archive_logs" => json!({}),
            "rotate_keys" => json!({"rotation": id, "what": "subjects"}),
            "export_subject" => json!({"request": id, "export": id}),
            "erase_subject" => json!({"erasure": id, "cool_off_days": 3}),
            other => panic!("give this test an input of {other}"),
        }
    }

    #[test]
    fn those_that_write_to_leads_are_known_before_they_have_steps() {
        let mut writing = Vec::new();
        for workflow in all() {
            let text = input(workflow.name).to_string();
            let text = RawValue::from_string(text).expect("JSON");
            let Outcome::Begin(steps) = workflow.begin(Uuid::nil(), workflow.version, &text) else {
                panic!("{} does not begin by {text}", workflow.name);
            };
            if steps.iter().any(|step| step.kind() == Some(MessageLead::KIND)) {
                writing.push(workflow.name);
            }
        }
        assert_eq!(writing, WRITING, "a restored database pauses these before they write again");
    }
}
