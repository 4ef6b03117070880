//! How a step stands: a state with a shape, and in words why it has not ended.

use chrono::{DateTime, Utc};
use engine::workflows::{StepView, Why};

/// Why something waits, and what would help.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    pub text: String,
    /// When that ends by itself.
    pub until: Option<DateTime<Utc>>,
}

/// The word of a step's state and the state whose shape it has. Of one whose job goes on that is the job's.
pub fn state(step: &StepView, why: Option<&Why>) -> (String, String) {
    let pair = |word: &str, like: &str| (word.to_owned(), like.to_owned());
    match (step.state.as_str(), why) {
        ("started", Some(Why::Job { paused_at: Some(_), .. })) => pair("paused", "paused"),
        ("started", Some(Why::Job { state, .. })) if !state.is_empty() => pair(state, state),
        ("started", _) => pair("running", "running"),
        ("sleeping", Some(Why::Signal { .. })) => pair("waits for a signal", "waiting"),
        ("sleeping", _) => pair("sleeps", "waiting"),
        ("completed", _) if step.outcome.as_deref() == Some("timed_out") => pair("timed out", "completed"),
        ("completed", _) if step.outcome.as_deref() == Some("signalled") => pair("signalled", "completed"),
        (state, _) => pair(state, state),
    }
}

/// Why it waits, for whoever looks at it.
pub fn waits(why: &Why, queue: Option<&str>) -> Waits {
    let plain = |text: String| Waits { text, until: None };
    match why {
        Why::Job { paused_at: Some(_), .. } => {
            let queue = queue.map_or_else(String::new, |queue| format!(" of the queue {queue}"));
            plain(format!("its job is held by a pause{queue}; it goes on once that is resumed"))
        }
        Why::Job { state, run_at, .. } => match state.as_str() {
            "running" => plain("its job runs".into()),
            "retrying" => Waits { text: "its job has failed and is tried again".into(), until: *run_at },
            "scheduled" => Waits { text: "its job is not due yet".into(), until: *run_at },
            "parked" => plain("no process that runs knows its job's kind; start one that does".into()),
            "available" => {
                let queue = queue.map_or_else(String::new, |queue| format!(" in the queue {queue}"));
                plain(format!("its job waits for a worker that is free{queue}"))
            }
            _ => plain("its job is about to be taken".into()),
        },
        Why::Jobs { left, of } => plain(format!("{left} of its {of} jobs have not ended")),
        Why::Steps { steps } => match steps.as_slice() {
            [] => plain("it is about to begin".into()),
            [one] => plain(format!("the step {one} has not ended")),
            some => plain(format!("the steps {} have not ended", some.join(", "))),
        },
        Why::Signal { signal, until } => {
            Waits { text: format!("nobody has given the signal {signal}"), until: *until }
        }
        Why::Time { until } => Waits { text: "it sleeps".into(), until: *until },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn step(name: &str, needs: &[&str], state: &str) -> StepView {
        StepView {
            name: name.into(),
            needs: needs.iter().map(|need| (*need).to_owned()).collect(),
            only_step: None,
            only_outcome: None,
            go_on: false,
            state: state.into(),
            outcome: None,
            kind: Some("work".into()),
            queue: Some("work".into()),
            job_id: None,
            job_state: None,
            job_run_at: None,
            job_paused_at: None,
            error_code: None,
            signal: None,
            jobs: 1,
            left_jobs: 0,
            failed: 0,
            cancelled: 0,
            output: None,
            started_at: None,
            ended_at: None,
            wake_at: None,
        }
    }

    #[test]
    fn a_step_is_as_its_job_is() {
        let job = |state: &str, paused| Why::Job { state: state.into(), run_at: None, paused_at: paused };
        let told = |why: &Why| state(&step("a", &[], "started"), Some(why));
        assert_eq!(told(&job("retrying", None)), ("retrying".into(), "retrying".into()));
        let paused = job("available", Some(DateTime::UNIX_EPOCH));
        assert_eq!(told(&paused), ("paused".into(), "paused".into()));
        assert_eq!(told(&Why::Jobs { left: 1, of: 2 }).0, "running");
        let late = StepView { outcome: Some("timed_out".into()), ..step("a", &[], "completed") };
        assert_eq!(state(&late, None), ("timed out".into(), "completed".into()));
    }

    #[test]
    fn why_it_waits_is_said_in_words() {
        let until = Some(DateTime::UNIX_EPOCH);
        let held = Why::Job { state: "available".into(), run_at: None, paused_at: until };
        assert!(waits(&held, Some("messages")).text.contains("of the queue messages"));
        let retried = Why::Job { state: "retrying".into(), run_at: until, paused_at: None };
        assert_eq!(waits(&retried, None).until, until);
        let steps = Why::Steps { steps: vec!["a".into(), "b".into()] };
        assert_eq!(waits(&steps, None).text, "the steps a, b have not ended");
        let signal = Why::Signal { signal: "reply".into(), until };
        assert_eq!(waits(&signal, None), Waits { text: "nobody has given the signal reply".into(), until });
    }
}
