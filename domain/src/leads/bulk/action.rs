//! What is done with many leads: a variant for each, with what it takes.

use serde::{Deserialize, Serialize, Serializer};

use super::super::lead::{MOST_TAGS, Source, Status};
use crate::{
    access::permission::Permission,
    error::{Error, Result},
    types::{AgentId, SequenceId, Text},
};

/// What is to be done with leads, each by the rules that hold for one.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum LeadAction {
    /// One that opens again goes back to its owner if they have room, else into its team's queue.
    SetStatus {
        status: Status,
    },
    /// Open leads go to this agent, for as long as the agent is available and has room; needs `leads:route`.
    SetOwner {
        agent_id: AgentId,
    },
    /// Open leads go back into the queues of their teams, from which they are given out again; needs `leads:route`.
    ClearOwner {},
    SetSource {
        source: Source,
    },
    SetValue {
        /// In hundredths of the tenant's currency.
        value_cents: i64,
    },
    /// A lead has at most 50; one that would have more is refused.
    AddTags {
        /// 1 to 50.
        #[serde(serialize_with = "plain")]
        #[schema(value_type = Vec<String>)]
        tags: Vec<Text<50>>,
    },
    RemoveTags {
        /// 1 to 50, in any case, with or without accents.
        #[serde(serialize_with = "plain")]
        #[schema(value_type = Vec<String>)]
        tags: Vec<Text<50>>,
    },
    /// They enter a sequence; whoever is on their way stays where they are. Needs `sequences:enrol` and `messages:send`.
    Enrol {
        sequence_id: SequenceId,
    },
    /// They leave a sequence; needs `sequences:enrol`.
    Leave {
        sequence_id: SequenceId,
    },
    /// Needs `leads:delete`.
    Delete {},
}

impl LeadAction {
    /// What it takes besides changing leads.
    pub(super) fn permission(&self) -> Permission {
        match self {
            Self::SetOwner { .. } | Self::ClearOwner {} => Permission::LeadsRoute,
            Self::Enrol { .. } | Self::Leave { .. } => Permission::SequencesEnrol,
            Self::Delete {} => Permission::LeadsDelete,
            Self::SetStatus { .. }
            | Self::SetSource { .. }
            | Self::SetValue { .. }
            | Self::AddTags { .. }
            | Self::RemoveTags { .. } => Permission::LeadsWrite,
        }
    }

    /// As the audit log names it.
    pub(super) fn verb(&self) -> &'static str {
        match self {
            Self::SetOwner { .. } | Self::ClearOwner {} => "route",
            Self::Enrol { .. } => "enrol",
            Self::Leave { .. } => "leave",
            Self::Delete {} => "delete",
            Self::SetStatus { .. }
            | Self::SetSource { .. }
            | Self::SetValue { .. }
            | Self::AddTags { .. }
            | Self::RemoveTags { .. } => "update",
        }
    }

    /// As a request names it.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::SetStatus { .. } => "set_status",
            Self::SetOwner { .. } => "set_owner",
            Self::ClearOwner {} => "clear_owner",
            Self::SetSource { .. } => "set_source",
            Self::SetValue { .. } => "set_value",
            Self::AddTags { .. } => "add_tags",
            Self::RemoveTags { .. } => "remove_tags",
            Self::Enrol { .. } => "enrol",
            Self::Leave { .. } => "leave",
            Self::Delete {} => "delete",
        }
    }

    /// # Errors
    /// What is out of its bounds.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::SetValue { value_cents } if *value_cents < 0 => {
                Err(Error::invalid("/action/value_cents", "0 or more"))
            }
            Self::AddTags { tags } | Self::RemoveTags { tags } if !(1..=MOST_TAGS).contains(&tags.len()) => {
                Err(Error::invalid("/action/tags", "1 to 50 tags"))
            }
            _ => Ok(()),
        }
    }
}

/// As leads themselves keep them.
fn plain<S: Serializer>(tags: &[Text<50>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(tags.iter().map(Text::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_action_is_kept_as_it_was_asked_for() {
        for (asked, verb) in [
            (json!({"kind": "set_status", "status": "lost"}), "update"),
            (json!({"kind": "set_owner", "agent_id": uuid::Uuid::from_u128(1)}), "route"),
            (json!({"kind": "clear_owner"}), "route"),
            (json!({"kind": "set_source", "source": "paid_ads"}), "update"),
            (json!({"kind": "set_value", "value_cents": 0}), "update"),
            (json!({"kind": "add_tags", "tags": ["a", "b"]}), "update"),
            (json!({"kind": "remove_tags", "tags": ["a"]}), "update"),
            (json!({"kind": "enrol", "sequence_id": uuid::Uuid::from_u128(1)}), "enrol"),
            (json!({"kind": "leave", "sequence_id": uuid::Uuid::from_u128(1)}), "leave"),
            (json!({"kind": "delete"}), "delete"),
        ] {
            let action: LeadAction = serde_json::from_value(asked.clone()).expect("an action");
            assert!(action.check().is_ok(), "{asked}");
            assert_eq!((action.kind(), action.verb()), (asked["kind"].as_str().expect("a kind"), verb));
            assert_eq!(serde_json::to_value(&action).expect("JSON"), asked);
        }
    }

    #[test]
    fn what_is_out_of_bounds_or_unknown_is_refused() {
        let tags = vec!["t"; MOST_TAGS + 1];
        for bad in [
            json!({"kind": "set_value", "value_cents": -1}),
            json!({"kind": "add_tags", "tags": []}),
            json!({"kind": "remove_tags", "tags": tags}),
        ] {
            let action: LeadAction = serde_json::from_value(bad.clone()).expect("an action");
            assert!(action.check().is_err(), "{bad}");
        }
        for unread in [json!({"kind": "delete", "really": true}), json!({"kind": "clone"}), json!({})] {
            assert!(serde_json::from_value::<LeadAction>(unread.clone()).is_err(), "{unread}");
        }
    }
}
