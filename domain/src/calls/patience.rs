//! How long a call rings at one agent and waits in a queue, and what is due then: pure.

use chrono::{DateTime, TimeDelta, Utc};

use super::{call::Direction, held::HeldCall, rules::CallStatus};
use crate::{agents::teams::AfterWait, types::TeamId};

/// What a team lets its calls wait for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub sla_s: Option<i32>,
    pub overflow_team_id: Option<TeamId>,
    pub overflow_after_s: Option<i32>,
    pub max_wait_s: Option<i32>,
    pub after_max_wait: AfterWait,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// It rang for long enough at an agent who did not take it.
    RungOut,
    /// It is to be told that it waits too long.
    Overdue,
    /// Another team helps out.
    Overflow(TeamId),
    /// Nobody took it.
    GiveUp(AfterWait),
}

impl Due {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::RungOut => "rung_out",
            Self::Overdue => "overdue",
            Self::Overflow(_) => "overflow",
            Self::GiveUp(_) => "give_up",
        }
    }
}

/// What will be due next of a call in the queue of a team with these limits, and when; none if nothing will.
pub(super) fn next(call: &HeldCall, limits: Option<&Limits>) -> Option<(DateTime<Utc>, Due)> {
    if call.direction != Direction::Inbound {
        return None;
    }
    if call.status == CallStatus::Ringing {
        return call.ring_until.map(|at| (at, Due::RungOut));
    }
    let limits = limits.filter(|_| call.status == CallStatus::Queued)?;
    let after = |from: DateTime<Utc>, seconds: Option<i32>| {
        seconds.map(|seconds| from + TimeDelta::seconds(seconds.into()))
    };
    let overdue = after(call.started_at, limits.sla_s).filter(|_| call.overdue_at.is_none());
    let helper = limits.overflow_team_id.filter(|team| !call.passed.contains(&team.0));
    let overflow = after(call.entered_at, limits.overflow_after_s).zip(helper);
    let give_up = after(call.started_at, limits.max_wait_s);
    let all = [
        overdue.map(|at| (at, Due::Overdue)),
        overflow.map(|(at, team)| (at, Due::Overflow(team))),
        give_up.map(|at| (at, Due::GiveUp(limits.after_max_wait))),
    ];
    all.into_iter().flatten().min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::types::{CallId, SubjectId};

    const HELPER: TeamId = TeamId(Uuid::from_u128(2));

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(second)
    }

    fn waits() -> HeldCall {
        HeldCall {
            id: CallId(Uuid::nil()),
            direction: Direction::Inbound,
            status: CallStatus::Queued,
            lead_id: None,
            agent_id: None,
            team_id: Some(TeamId(Uuid::from_u128(1))),
            subject_id: SubjectId(Uuid::nil()),
            outcome: None,
            satisfaction: None,
            value_cents: None,
            started_at: at(0),
            ringing_at: None,
            answered_at: None,
            talks_since: None,
            ended_at: None,
            ring_until: None,
            entered_at: at(5),
            passed: Vec::new(),
            overdue_at: None,
            version: 1,
        }
    }

    const LIMITS: Limits = Limits {
        sla_s: Some(20),
        overflow_team_id: Some(HELPER),
        overflow_after_s: Some(30),
        max_wait_s: Some(60),
        after_max_wait: AfterWait::Voicemail,
    };

    #[test]
    fn one_after_the_other_is_due_and_nothing_twice() {
        let mut call = waits();
        let due = |call: &HeldCall| next(call, Some(&LIMITS));
        assert_eq!(due(&call), Some((at(20), Due::Overdue)));
        call.overdue_at = Some(at(20));
        assert_eq!(due(&call), Some((at(35), Due::Overflow(HELPER))));
        call.passed = vec![HELPER.0];
        assert_eq!(due(&call), Some((at(60), Due::GiveUp(AfterWait::Voicemail))));
        assert_eq!(next(&call, Some(&Limits { max_wait_s: None, ..LIMITS })), None);
        assert_eq!(next(&call, None), None, "the team is gone");
    }

    #[test]
    fn a_ring_has_an_end_of_its_own_and_what_is_over_none() {
        let mut call = HeldCall { status: CallStatus::Ringing, ring_until: Some(at(9)), ..waits() };
        assert_eq!(next(&call, Some(&LIMITS)), Some((at(9), Due::RungOut)));
        assert_eq!(next(&call, None), Some((at(9), Due::RungOut)), "also without a team");
        call.ring_until = None;
        assert_eq!(next(&call, Some(&LIMITS)), None, "the phone system says how long");
        for status in [CallStatus::Answered, CallStatus::Ended, CallStatus::Missed, CallStatus::Abandoned] {
            assert_eq!(next(&HeldCall { status, ..waits() }, Some(&LIMITS)), None, "{status:?}");
        }
        assert_eq!(next(&HeldCall { direction: Direction::Outbound, ..waits() }, Some(&LIMITS)), None);
    }
}
