//! What a tick does with the times that have come: rules only.

use chrono::{DateTime, TimeDelta, Utc};

use super::Timing;

/// A time that has come no longer ago than this is on time; one from before that was missed.
const ON_TIME: TimeDelta = TimeDelta::minutes(1);

/// What happens when a schedule is due while a run of it has not ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing begins.
    #[default]
    Skip,
    /// One begins when the run has ended; more than one does not wait.
    BufferOne,
    /// Both run.
    Allow,
    /// The older run is cancelled.
    CancelOlder,
}

/// What happens to times that nobody was there for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Misfire {
    /// They are gone.
    Skip,
    /// One run stands for all of them.
    #[default]
    RunOnce,
    /// The newest of them run, each for itself: as many as the schedule says.
    CatchUp(u16),
}

/// Where a schedule stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    pub next_at: Option<DateTime<Utc>>,
    /// Was due while the run before went on.
    pub buffered_at: Option<DateTime<Utc>>,
    /// A run of it has not ended.
    pub active: bool,
}

/// How a schedule wants its times to be dealt with.
#[derive(Debug, Clone)]
pub struct Policy {
    pub timing: Timing,
    pub overlap: Overlap,
    pub misfire: Misfire,
    pub max_lateness: Option<TimeDelta>,
    pub ends_at: Option<DateTime<Utc>>,
}

/// What is to be done with one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Start(DateTime<Utc>),
    /// The run before goes on.
    Skip(DateTime<Utc>),
    /// It waits for the run before.
    Buffer(DateTime<Utc>),
    /// All times from the first to the last of these.
    Miss(DateTime<Utc>, DateTime<Utc>),
}

/// What a tick does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub steps: Vec<Step>,
    /// What runs of this schedule is cancelled first.
    pub cancel_active: bool,
    pub next_at: Option<DateTime<Utc>>,
    pub buffered_at: Option<DateTime<Utc>>,
}

impl Policy {
    /// What to do at `now`.
    #[must_use]
    pub fn plan(&self, standing: Standing, now: DateTime<Utc>) -> Plan {
        let Standing { next_at, buffered_at, active } = standing;
        let mut plan = Plan { steps: Vec::new(), cancel_active: false, next_at, buffered_at };
        let mut active = active;
        if let Some(due) = buffered_at.filter(|_| !active) {
            plan.buffered_at = None;
            active = true;
            plan.steps.push(if self.is_worth(due, now) { Step::Start(due) } else { Step::Miss(due, due) });
        }
        let Some(first) = next_at.filter(|next| *next <= now) else { return plan };
        plan.next_at = self.timing.next_after(now).filter(|next| self.ends_at.is_none_or(|end| *next <= end));
        let until = self.ends_at.map_or(now, |end| end.min(now));
        let runs = self.runs(first, until, now);
        let missed_to = runs.first().map_or(until, |run| before(*run));
        if let [last] = self.timing.last_within(before(first), missed_to, 1)[..] {
            plan.steps.push(Step::Miss(first, last));
        }
        let newest = runs.last().copied();
        for due in runs {
            plan.steps.push(match self.overlap {
                Overlap::BufferOne if active && plan.buffered_at.is_none() => {
                    plan.buffered_at = Some(due);
                    Step::Buffer(due)
                }
                Overlap::Skip | Overlap::BufferOne if active => Step::Skip(due),
                // Those before it would be cancelled at once.
                Overlap::CancelOlder if newest != Some(due) => Step::Skip(due),
                Overlap::CancelOlder => {
                    plan.cancel_active = active;
                    Step::Start(due)
                }
                Overlap::Skip | Overlap::BufferOne | Overlap::Allow => {
                    active = true;
                    Step::Start(due)
                }
            });
        }
        plan
    }

    /// The times from `first` to `until` that are to run at `now`, the oldest first.
    fn runs(&self, first: DateTime<Utc>, until: DateTime<Utc>, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        let mut from = before(first);
        if let Some(late) = self.max_lateness {
            from = from.max(before(now - late));
        }
        let on_time = || self.timing.last_within(from.max(before(now - ON_TIME)), until, usize::MAX);
        match self.misfire {
            Misfire::Skip => on_time(),
            Misfire::RunOnce => match on_time() {
                runs if runs.is_empty() => self.timing.last_within(from, until, 1),
                runs => runs,
            },
            Misfire::CatchUp(most) => self.timing.last_within(from, until, usize::from(most).max(1)),
        }
    }

    fn is_worth(&self, due: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.max_lateness.is_none_or(|late| now - due <= late)
    }
}

/// The instant before, as the database counts.
fn before(at: DateTime<Utc>) -> DateTime<Utc> {
    at - TimeDelta::microseconds(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedules::Calendar;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-25T{text}Z").parse().expect("an instant")
    }

    fn policy(overlap: Overlap, misfire: Misfire) -> Policy {
        let calendar = Calendar::parse("*/10 * * * *", "UTC").expect("a calendar");
        Policy {
            timing: Timing::Calendar(calendar.into()),
            overlap,
            misfire,
            max_lateness: None,
            ends_at: None,
        }
    }

    fn standing(next: &str, active: bool) -> Standing {
        Standing { next_at: Some(at(next)), buffered_at: None, active }
    }

    use Step::{Buffer, Miss, Skip, Start};

    #[test]
    fn two_hours_without_anybody_under_each_misfire_policy() {
        let now = at("12:05:00");
        let plan = |misfire| policy(Overlap::Allow, misfire).plan(standing("10:10:00", false), now);
        assert_eq!(plan(Misfire::Skip).steps, [Miss(at("10:10:00"), at("12:00:00"))]);
        assert_eq!(
            plan(Misfire::RunOnce).steps,
            [Miss(at("10:10:00"), at("11:50:00")), Start(at("12:00:00"))]
        );
        assert_eq!(
            plan(Misfire::CatchUp(3)).steps,
            [
                Miss(at("10:10:00"), at("11:30:00")),
                Start(at("11:40:00")),
                Start(at("11:50:00")),
                Start(at("12:00:00"))
            ]
        );
        assert_eq!(plan(Misfire::CatchUp(100)).steps.len(), 12, "all of them, none missed");
        assert_eq!(plan(Misfire::Skip).next_at, Some(at("12:10:00")));
    }

    #[test]
    fn on_time_is_on_time_and_lateness_has_a_bound() {
        let now = at("12:00:30");
        let plan = policy(Overlap::Allow, Misfire::Skip).plan(standing("11:50:00", false), now);
        assert_eq!(plan.steps, [Miss(at("11:50:00"), at("11:50:00")), Start(at("12:00:00"))]);
        let mut strict = policy(Overlap::Allow, Misfire::CatchUp(9));
        strict.max_lateness = Some(TimeDelta::minutes(15));
        let plan = strict.plan(standing("11:00:00", false), at("12:05:00"));
        assert_eq!(
            plan.steps,
            [Miss(at("11:00:00"), at("11:40:00")), Start(at("11:50:00")), Start(at("12:00:00"))]
        );
    }

    #[test]
    fn a_run_that_goes_on_is_dealt_with_as_the_policy_says() {
        let now = at("12:00:01");
        let plan = |overlap| policy(overlap, Misfire::RunOnce).plan(standing("12:00:00", true), now);
        assert_eq!(plan(Overlap::Skip).steps, [Skip(at("12:00:00"))]);
        assert_eq!(plan(Overlap::Allow).steps, [Start(at("12:00:00"))]);
        let buffered = plan(Overlap::BufferOne);
        assert_eq!(
            (&buffered.steps[..], buffered.buffered_at),
            (&[Buffer(at("12:00:00"))][..], Some(at("12:00:00")))
        );
        let cancelled = plan(Overlap::CancelOlder);
        assert_eq!((&cancelled.steps[..], cancelled.cancel_active), (&[Start(at("12:00:00"))][..], true));
    }

    #[test]
    fn what_was_buffered_begins_when_the_run_has_ended_and_only_one_is() {
        let policy = policy(Overlap::BufferOne, Misfire::RunOnce);
        let held =
            Standing { next_at: Some(at("12:10:00")), buffered_at: Some(at("12:00:00")), active: true };
        assert_eq!(policy.plan(held, at("12:10:00")).steps, [Skip(at("12:10:00"))]);
        let ended = Standing { active: false, ..held };
        let plan = policy.plan(ended, at("12:05:00"));
        assert_eq!((&plan.steps[..], plan.buffered_at), (&[Start(at("12:00:00"))][..], None));
        assert_eq!(plan.next_at, held.next_at);
        let both = policy.plan(ended, at("12:10:00"));
        assert_eq!(both.steps, [Start(at("12:00:00")), Buffer(at("12:10:00"))]);
    }

    #[test]
    fn a_schedule_ends() {
        let mut policy = policy(Overlap::Allow, Misfire::RunOnce);
        policy.ends_at = Some(at("12:05:00"));
        let plan = policy.plan(standing("12:00:00", false), at("12:00:01"));
        assert_eq!((&plan.steps[..], plan.next_at), (&[Start(at("12:00:00"))][..], None));
        let once = Policy { timing: Timing::Once(at("12:00:00")), ..policy };
        let plan = once.plan(standing("12:00:00", false), at("12:03:00"));
        assert_eq!((&plan.steps[..], plan.next_at), (&[Start(at("12:00:00"))][..], None));
    }
}
