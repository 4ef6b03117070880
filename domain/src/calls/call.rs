//! The call and what may be said of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{outcome::CallOutcome, rules::CallStatus};
use crate::{
    error::{Error, Result},
    types::{AgentId, CallId, CallSourceId, E164, LeadId, TeamId, TenantId, Text, nullable},
    vault::{Personal, Place, personal::reveal},
};

/// Who called whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Direction {
    Outbound,
    Inbound,
}

impl Direction {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }
}

/// A call that begins.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCall {
    pub direction: Direction,
    /// The other end, in E.164; of an outgoing call to a lead its phone number if not said.
    #[schema(value_type = Option<String>)]
    pub number: Option<E164>,
    /// The newest open lead of this number if not said. Where it was merged into another, that one.
    pub lead_id: Option<LeadId>,
    /// Of an outgoing call: who calls. One's own agent if one sees only its leads. Incoming calls are routed.
    pub agent_id: Option<AgentId>,
    /// Of an incoming call: whose agents take it, unless the lead's owner can. If it is not said the routing rules decide,
    /// and where none does the tenant's default team.
    pub team_id: Option<TeamId>,
}

/// Whose call it is from now on.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTaker {
    /// The one who has it already if not said, or one's own agent if one sees only its leads.
    pub agent_id: Option<AgentId>,
}

/// What a call came to, if that is known as it ends.
#[derive(Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallEnd {
    pub outcome: Option<CallOutcome>,
    /// 1 to 5, as the customer says.
    pub satisfaction: Option<i16>,
    #[schema(value_type = Option<String>)]
    pub notes: Option<Note>,
    /// Where the recording is: an https address.
    #[schema(value_type = Option<String>)]
    pub recording: Option<Text<2000>>,
    /// What was sold, in hundredths of the tenant's currency; only with an outcome.
    pub value_cents: Option<i64>,
}

/// What a call that is over came to; said once.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallDisposition {
    pub outcome: CallOutcome,
    /// 1 to 5, as the customer says.
    pub satisfaction: Option<i16>,
    #[schema(value_type = Option<String>)]
    pub notes: Option<Note>,
    /// What was sold, in hundredths of the tenant's currency.
    pub value_cents: Option<i64>,
}

/// What to change; absent fields stay, null removes (RFC 7396).
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallChange {
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Option<Note>>,
    /// Where the recording is: an https address.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub recording: Option<Option<Text<2000>>>,
    /// 1 to 5, as the customer says.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i16>)]
    pub satisfaction: Option<Option<i16>>,
    /// The version the change was made for; another one in the meantime is answered with 409.
    pub version: Option<i64>,
}

/// A call as its tenant sees it. Personal fields are absent once the person was erased.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CallView {
    pub id: CallId,
    pub direction: Direction,
    pub status: CallStatus,
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    /// Whose queue it waits in, or the team of its agent when it came to them.
    pub team_id: Option<TeamId>,
    /// The phone system that tells of it.
    pub source_id: Option<CallSourceId>,
    /// What the phone system calls it.
    pub external_id: Option<String>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub number: Option<Personal<String>>,
    pub outcome: Option<CallOutcome>,
    pub satisfaction: Option<i16>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Personal<String>>,
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub recording: Option<Personal<String>>,
    pub value_cents: Option<i64>,
    pub started_at: DateTime<Utc>,
    pub ringing_at: Option<DateTime<Utc>>,
    pub answered_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was said what it came to.
    pub disposed_at: Option<DateTime<Utc>>,
    /// Until when it rings at its agent; then it goes on to another. Null where the phone system says that.
    pub ring_until: Option<DateTime<Utc>>,
    /// Seconds until it was answered, or over without an answer.
    pub wait_s: Option<i64>,
    /// Seconds from the answer to the end.
    pub talk_s: Option<i64>,
    pub version: i64,
}

/// Free text of at most 10,000 characters, on as many lines as it takes.
#[derive(Clone, PartialEq, Eq)]
pub struct Note(String);

const LONGEST_NOTE: usize = 10_000;

impl Note {
    /// The text with all its lines.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Note {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.chars().nth(LONGEST_NOTE).is_some() {
            return Err(serde::de::Error::custom(format!("at most {LONGEST_NOTE} characters")));
        }
        if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(serde::de::Error::custom("remove the control characters"));
        }
        Ok(Self(text))
    }
}

/// Refuses values that are out of their bounds.
pub(super) fn bounds(
    satisfaction: Option<i16>,
    recording: Option<&str>,
    value_cents: Option<i64>,
) -> Result<()> {
    if satisfaction.is_some_and(|satisfaction| !(1..=5).contains(&satisfaction)) {
        return Err(Error::invalid("/satisfaction", "1 to 5"));
    }
    if recording.is_some_and(|link| !link.starts_with("https://")) {
        return Err(Error::invalid("/recording", "an address that begins with https://"));
    }
    if value_cents.is_some_and(|cents| cents < 0) {
        return Err(Error::invalid("/value_cents", "0 or more"));
    }
    Ok(())
}

/// Refuses an outcome that the product alone says.
pub(super) fn said(outcome: Option<CallOutcome>) -> Result<()> {
    if outcome.is_some_and(CallOutcome::is_by_itself) {
        return Err(Error::invalid("/outcome", "this is said by the product itself; choose another outcome"));
    }
    Ok(())
}

pub(crate) fn place(tenant: TenantId, column: &'static str, call: CallId) -> Place {
    Place { tenant, table: "calls", column, row: call.0 }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn notes_have_lines_and_an_end() {
        let note = |text: &str| serde_json::from_value::<Note>(json!(text));
        assert_eq!(note("calls back\n\tafter five").expect("a note").as_str(), "calls back\n\tafter five");
        assert!(note("a\u{7}").is_err());
        assert!(note(&"é".repeat(LONGEST_NOTE)).is_ok());
        assert!(note(&"é".repeat(LONGEST_NOTE + 1)).is_err());
    }

    #[test]
    fn names_are_those_of_the_api() {
        for direction in [Direction::Outbound, Direction::Inbound] {
            assert_eq!(serde_json::to_value(direction).expect("JSON"), direction.as_str());
        }
    }
}
