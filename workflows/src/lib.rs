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
