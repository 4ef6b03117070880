//! Procedures of many steps, one file each: what follows what. Their inputs, and the payloads of their steps, are in
//! `domain`; the handlers of the steps are in `workers`.

mod archive_logs;
mod deliver_report;
mod erase_subject;
mod export_subject;
mod onboard_lead;
mod rotate_keys;
mod run_campaign;

use domain::{messages::to_lead::MessageLead, workflows::WRITING};
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
        Workflow::of(deliver_report::steps),
    ]
}

impl Workflow {
    fn of<K: JobKind>(steps: fn(&mut Flow, &K)) -> Self {
        let begin = move |tenant, version, input: &RawValue| match K::decode(version, input) {
            Ok(input) => {
                let mut flow = Flow::new(tenant);
                steps(&mut flow, &input);
                if flow.has::<MessageLead>() && !WRITING.contains(&K::KIND) {
                    // After a restore nobody would know that a run of it may have written to somebody.
                    let why =
                        format!("{} writes to leads, and is not in domain::workflows::WRITING", K::KIND);
                    return Outcome::Discard { code: "bad_workflow", why };
                }
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
    use std::time::Duration;

    use domain::{
        privacy::export::ExportSubject,
        types::{ExportId, LeadId, PrivacyRequestId, ProviderId, TemplateId},
    };

    use super::*;

    #[test]
    fn what_writes_to_leads_and_is_not_known_to_does_not_begin() {
        let nil = Uuid::nil();
        let input = ExportSubject { request: PrivacyRequestId(nil), export: ExportId(nil) };
        let input = serde_json::value::to_raw_value(&input).expect("JSON");
        let begun = |steps: fn(&mut Flow, &ExportSubject)| {
            Workflow::of(steps).begin(nil, ExportSubject::VERSION, &input)
        };
        let refused = begun(|flow, _| {
            let (lead, provider, template) =
                (LeadId(Uuid::nil()), ProviderId(Uuid::nil()), TemplateId(Uuid::nil()));
            flow.step("welcome", &MessageLead { lead, provider, template });
        });
        assert!(matches!(refused, Outcome::Discard { code: "bad_workflow", .. }), "{refused:?}");
        let rests = begun(|flow, _| {
            flow.sleep("rest", Duration::from_secs(1));
        });
        assert!(matches!(rests, Outcome::Begin(_)), "{rests:?}");
    }

    #[test]
    fn what_is_said_to_write_is_a_workflow() {
        for name in WRITING {
            assert!(all().iter().any(|workflow| workflow.name == *name), "{name}");
        }
    }
}
