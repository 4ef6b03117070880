//! A workflow's steps as they are declared, and the rules that they must keep.

use std::{collections::HashSet, time::Duration};

use uuid::Uuid;

use crate::{JobKind, NewJob, Outcome, finish::LONGEST_DELAY};

/// Steps of one run; a step may spread into any number of jobs.
pub(super) const MOST_STEPS: usize = 200;
const NAME_LIMIT: usize = 60;

/// The steps of one run, in the order in which they are declared: each follows the one before it unless it says
/// otherwise.
#[derive(Debug)]
pub struct Flow {
    tenant: Uuid,
    steps: Vec<NewStep>,
    unfit: Option<String>,
}

/// A step about to be put in.
#[derive(Debug, Clone)]
pub struct NewStep {
    pub(super) name: String,
    pub(super) needs: Vec<String>,
    pub(super) only: Option<(String, Ended)>,
    pub(super) go_on: bool,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    Job(Box<NewJob>),
    Wait { signal: Option<String>, at_most: Option<Duration> },
}

/// How a step has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Completed,
    /// A job of it was discarded or quarantined.
    Failed,
    Cancelled,
    Skipped,
    /// The signal it waited for came.
    Signalled,
    /// The signal it waited for did not come in time.
    TimedOut,
}

impl Ended {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
            Self::Signalled => "signalled",
            Self::TimedOut => "timed_out",
        }
    }
}

/// Why steps are no workflow.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFlow {
    #[error("it has {0} steps; 1 to {MOST_STEPS} are possible. A step may spread into many jobs")]
    Size(usize),
    #[error("`{0}` is no name of a step or signal: 1 to {NAME_LIMIT} of a-z, 0-9 and _")]
    Name(String),
    #[error("two steps are called `{0}`")]
    Twice(String),
    #[error("two steps wait for the signal `{0}`")]
    SignalTwice(String),
    #[error("`{step}` comes after `{needs}`, which is no step")]
    Unknown { step: String, needs: String },
    #[error("{} go in a circle: none of them can ever begin", .0.join(", "))]
    Circle(Vec<String>),
    #[error("`{step}` depends on how `{on}` ends, so it must come after it")]
    Condition { step: String, on: String },
    #[error("`{0}` waits for more than a year; begin another run then")]
    TooLong(String),
    #[error("a step's payload does not fit: {0}")]
    Payload(String),
}

impl Flow {
    /// A workflow of a tenant, as yet without steps.
    #[must_use]
    pub fn new(tenant: Uuid) -> Self {
        Self { tenant, steps: Vec::new(), unfit: None }
    }

    /// A job. It begins when the steps that it comes after have ended.
    pub fn step<K: JobKind>(&mut self, name: &str, args: &K) -> &mut NewStep {
        match NewJob::of(self.tenant, Uuid::now_v7(), args) {
            Ok(job) => self.push(name, What::Job(job.into())),
            Err(error) => {
                self.unfit.get_or_insert(error.to_string());
                self.push(name, What::Wait { signal: None, at_most: Some(Duration::ZERO) })
            }
        }
    }

    /// A rest of so long.
    pub fn sleep(&mut self, name: &str, time: Duration) -> &mut NewStep {
        self.push(name, What::Wait { signal: None, at_most: Some(time) })
    }

    /// A wait for a signal, which ends [`Ended::Signalled`], or [`Ended::TimedOut`] if one is set and it comes first.
    pub fn wait_for(&mut self, name: &str, signal: &str, at_most: Option<Duration>) -> &mut NewStep {
        self.push(name, What::Wait { signal: Some(signal.to_owned()), at_most })
    }

    fn push(&mut self, name: &str, what: What) -> &mut NewStep {
        let needs = self.steps.last().map(|last| last.name.clone()).into_iter().collect();
        self.steps.push(NewStep { name: name.to_owned(), needs, only: None, go_on: false, what });
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// What a run's first job answers: it begins the run, or says what keeps the steps from being a workflow.
    #[must_use]
    pub fn begin(self) -> Outcome {
        match self.into_steps() {
            Ok(steps) => Outcome::Begin(steps),
            Err(why) => Outcome::Discard { code: "bad_workflow", why: why.to_string() },
        }
    }

    /// The steps, checked.
    ///
    /// # Errors
    /// What keeps them from being a workflow.
    pub fn into_steps(self) -> Result<Vec<NewStep>, BadFlow> {
        match self.unfit {
            Some(why) => Err(BadFlow::Payload(why)),
            None => check(&self.steps).map(|()| self.steps),
        }
    }
}

/// Each answers the step, for more to be said of it.
impl NewStep {
    /// What kind of job it is; none of one that only waits.
    #[must_use]
    pub fn kind(&self) -> Option<&str> {
        match &self.what {
            What::Job(job) => Some(job.kind.as_ref()),
            What::Wait { .. } => None,
        }
    }

    fn delay(&self) -> Option<Duration> {
        match &self.what {
            What::Job(job) => Some(job.delay),
            What::Wait { at_most, .. } => *at_most,
        }
    }

    /// Begins when all of these have ended, and not after the one declared before it; at once if there are none.
    pub fn after<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) -> &mut Self {
        self.needs = names.into_iter().map(str::to_owned).collect();
        self
    }

    /// Is skipped unless a step that it comes after has ended so.
    pub fn only_if(&mut self, step: &str, ended: Ended) -> &mut Self {
        self.only = Some((step.to_owned(), ended));
        self
    }

    /// The run goes on where this step fails or is cancelled.
    pub fn go_on(&mut self) -> &mut Self {
        self.go_on = true;
        self
    }

    /// Changes how its job is placed: its priority, delay, attempts, business key. Id and tenant are the run's.
    pub fn with(&mut self, change: impl FnOnce(NewJob) -> NewJob) -> &mut Self {
        if let What::Job(job) = &mut self.what {
            let (id, tenant) = (job.id, job.tenant);
            *job = change((**job).clone()).into();
            (job.id, job.tenant) = (id, tenant);
        }
        self
    }
}

fn check(steps: &[NewStep]) -> Result<(), BadFlow> {
    if steps.is_empty() || steps.len() > MOST_STEPS {
        return Err(BadFlow::Size(steps.len()));
    }
    let (mut names, mut signals) = (HashSet::new(), HashSet::new());
    for step in steps {
        named(&step.name)?;
        if !names.insert(&*step.name) {
            return Err(BadFlow::Twice(step.name.clone()));
        }
        if let What::Wait { signal: Some(signal), .. } = &step.what {
            named(signal)?;
            if !signals.insert(&**signal) {
                return Err(BadFlow::SignalTwice(signal.clone()));
            }
        }
    }
    for step in steps {
        if let Some(needs) = step.needs.iter().find(|needs| !names.contains(&***needs)) {
            return Err(BadFlow::Unknown { step: step.name.clone(), needs: needs.clone() });
        }
        if step.delay().is_some_and(|delay| delay > LONGEST_DELAY) {
            return Err(BadFlow::TooLong(step.name.clone()));
        }
        if let Some((on, _)) = step.only.as_ref().filter(|(on, _)| !step.needs.contains(on)) {
            return Err(BadFlow::Condition { step: step.name.clone(), on: on.clone() });
        }
    }
    no_circle(steps)
}

fn named(name: &str) -> Result<(), BadFlow> {
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    if (1..=NAME_LIMIT).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(BadFlow::Name(name.chars().take(NAME_LIMIT).collect()))
}

/// Takes away what can begin until nothing is left; what cannot be taken away goes in a circle, or waits for one.
fn no_circle(steps: &[NewStep]) -> Result<(), BadFlow> {
    let mut left: Vec<&NewStep> = steps.iter().collect();
    loop {
        let waiting: HashSet<&str> = left.iter().map(|step| &*step.name).collect();
        let before = left.len();
        left.retain(|step| step.needs.iter().any(|needs| waiting.contains(&**needs)));
        if left.is_empty() {
            return Ok(());
        }
        if left.len() == before {
            return Err(BadFlow::Circle(left.iter().map(|step| step.name.clone()).collect()));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Nothing {}
    impl JobKind for Nothing {
        const KIND: &'static str = "nothing";
        const QUEUE: &'static str = "nowhere";
    }

    fn flow(declare: impl FnOnce(&mut Flow)) -> Result<Vec<NewStep>, BadFlow> {
        let mut flow = Flow::new(Uuid::nil());
        declare(&mut flow);
        flow.into_steps()
    }

    #[test]
    fn steps_follow_each_other_unless_they_say_otherwise() {
        let steps = flow(|flow| {
            flow.step("a", &Nothing {});
            flow.step("b", &Nothing {});
            flow.step("c", &Nothing {}).after(["a"]);
            flow.wait_for("d", "bell", None).after(["b", "c"]);
            flow.step("e", &Nothing {}).only_if("d", Ended::Signalled);
        });
        let needs: Vec<_> = steps.expect("a workflow").iter().map(|step| step.needs.join(" ")).collect();
        assert_eq!(needs, ["", "a", "a", "b c", "d"]);
    }

    #[test]
    fn what_is_no_workflow_is_told_apart() {
        let named = |name: &str| name.to_owned();
        assert_eq!(flow(|_| {}).expect_err("empty"), BadFlow::Size(0));
        let twice = flow(|flow| {
            flow.step("a", &Nothing {});
            flow.step("a", &Nothing {});
        });
        assert_eq!(twice.expect_err("twice"), BadFlow::Twice(named("a")));
        let circle = flow(|flow| {
            flow.step("start", &Nothing {});
            flow.step("a", &Nothing {}).after(["start", "b"]);
            flow.step("b", &Nothing {});
            flow.step("end", &Nothing {});
        });
        assert_eq!(
            circle.expect_err("a circle"),
            BadFlow::Circle(vec![named("a"), named("b"), named("end")])
        );
        let itself = flow(|flow| {
            flow.step("a", &Nothing {}).after(["a"]);
        });
        assert_eq!(itself.expect_err("a circle"), BadFlow::Circle(vec![named("a")]));
        let unknown = flow(|flow| {
            flow.step("a", &Nothing {}).after(["z"]);
        });
        assert_eq!(unknown.expect_err("unknown"), BadFlow::Unknown { step: named("a"), needs: named("z") });
        let condition = flow(|flow| {
            flow.step("a", &Nothing {});
            flow.step("b", &Nothing {}).after([]).only_if("a", Ended::Failed);
        });
        assert_eq!(condition.expect_err("no need"), BadFlow::Condition { step: named("b"), on: named("a") });
        let signals = flow(|flow| {
            flow.wait_for("a", "bell", None);
            flow.wait_for("b", "bell", None);
        });
        assert_eq!(signals.expect_err("two wait"), BadFlow::SignalTwice(named("bell")));
        let long = flow(|flow| {
            flow.sleep("a", Duration::MAX);
        });
        assert_eq!(long.expect_err("too long"), BadFlow::TooLong(named("a")));
        for name in ["", "A", "a-b", "ä", &"x".repeat(61)] {
            let steps = flow(|flow| {
                flow.step(name, &Nothing {});
            });
            assert!(matches!(steps, Err(BadFlow::Name(_))), "{name}");
        }
    }
}
