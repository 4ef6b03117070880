//! A call that is held: locked, or just made.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{call::Direction, outcome::CallOutcome, rules::CallStatus};
use crate::types::{AgentId, CallId, LeadId, SubjectId, TeamId};

/// A call whose row is locked, as its next step looks at it.
#[derive(Debug, Clone)]
pub(super) struct HeldCall {
    pub id: CallId,
    pub direction: Direction,
    pub status: CallStatus,
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub subject_id: SubjectId,
    pub outcome: Option<CallOutcome>,
    pub satisfaction: Option<i16>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub ringing_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    /// Since when it is its agent who talks: of one that was put through, later than it was answered.
    pub talks_since: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Until when it rings at its agent, if it goes on to another then.
    pub ring_until: Option<DateTime<Utc>>,
    /// When it came into the queue it waits in.
    pub entered_at: DateTime<Utc>,
    /// The teams whose queues it has left for another's.
    pub passed: Vec<Uuid>,
    /// When it was told that it waits too long.
    pub overdue_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Whose call it was.
#[derive(Debug, Clone, Copy)]
pub(super) struct Former {
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
}

impl Former {
    /// Taken before the call changes hands.
    pub fn of(call: &HeldCall) -> Self {
        Self { agent: call.agent_id, team: call.team_id }
    }
}

impl HeldCall {
    /// What every event of it says: ids and states. `owner_id` and `team_id` say who hears of it.
    pub fn body(&self) -> Value {
        json!({
            "direction": self.direction, "status": self.status, "lead_id": self.lead_id,
            "agent_id": self.agent_id, "owner_id": self.agent_id, "team_id": self.team_id,
        })
    }

    /// The same, heard besides by whoever has lost it to somebody else by this step.
    pub fn body_after(&self, former: Former) -> Value {
        let mut body = self.body();
        if let Some(agent) = former.agent.filter(|agent| self.agent_id != Some(*agent)) {
            body["former_agent_id"] = json!(agent);
            body["former_team_id"] = json!(former.team);
        }
        body
    }

    /// The same with what points and reports need.
    pub fn whole_body(&self) -> Value {
        let mut body = self.body();
        body["outcome"] = json!(self.outcome);
        body["satisfaction"] = json!(self.satisfaction);
        body["value_cents"] = json!(self.value_cents);
        body["wait_s"] = json!(wait_s(self.started_at, self.answered_at, self.ended_at));
        body["talk_s"] = json!(talk_s(self.answered_at, self.ended_at));
        body
    }
}

/// Seconds until it was answered, or over without an answer.
pub(crate) fn wait_s(
    started: DateTime<Utc>,
    answered: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
) -> Option<i64> {
    answered.or(ended).map(|until| (until - started).num_seconds())
}

/// Seconds from the answer to the end.
pub(crate) fn talk_s(answered: Option<DateTime<Utc>>, ended: Option<DateTime<Utc>>) -> Option<i64> {
    Some((ended? - answered?).num_seconds())
}
