//! What an agent may be doing, who may say so, and who counts as free.

use serde::{Deserialize, Serialize};

/// What an agent is doing. Only `available` agents are given work.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AgentStatus {
    #[default]
    Offline,
    Available,
    /// In a call; calls say so, and nobody by hand.
    OnCall,
    /// Writing up what a call came to; ends by itself after the team's `wrap_up_s`.
    WrapUp,
    Break,
}

impl AgentStatus {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Available => "available",
            Self::OnCall => "on_call",
            Self::WrapUp => "wrap_up",
            Self::Break => "break",
        }
    }
}

/// Why a status cannot be set by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The agent is in a call, and the status changes when it ends.
    InCall,
    /// Calls set this status, and nobody else.
    SetByCalls,
}

/// Whether a person may set a status while another is there: anything but `on_call`, and nothing during a call.
///
/// # Errors
/// Why not. Setting what is there already is never refused.
pub fn by_hand(from: AgentStatus, to: AgentStatus) -> Result<(), Refusal> {
    match (from, to) {
        _ if from == to => Ok(()),
        (AgentStatus::OnCall, _) => Err(Refusal::InCall),
        (_, AgentStatus::OnCall) => Err(Refusal::SetByCalls),
        _ => Ok(()),
    }
}

/// Whether an agent may be given one more: available, at work by their shifts, and with room for it.
#[must_use]
pub fn is_free(status: AgentStatus, on_shift: bool, has_room: bool) -> bool {
    status == AgentStatus::Available && on_shift && has_room
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [AgentStatus; 5] = [
        AgentStatus::Offline,
        AgentStatus::Available,
        AgentStatus::OnCall,
        AgentStatus::WrapUp,
        AgentStatus::Break,
    ];

    #[test]
    fn calls_alone_begin_and_end_a_call() {
        for from in ALL {
            for to in ALL {
                let wanted = match (from == to, from == AgentStatus::OnCall, to == AgentStatus::OnCall) {
                    (true, ..) | (false, false, false) => Ok(()),
                    (false, true, _) => Err(Refusal::InCall),
                    (false, false, true) => Err(Refusal::SetByCalls),
                };
                assert_eq!(by_hand(from, to), wanted, "{from:?} to {to:?}");
            }
        }
    }

    #[test]
    fn free_is_who_is_available_at_work_and_not_full() {
        for status in ALL {
            assert_eq!(is_free(status, true, true), status == AgentStatus::Available, "{status:?}");
        }
        for (on_shift, has_room) in [(false, true), (true, false), (false, false)] {
            assert!(!is_free(AgentStatus::Available, on_shift, has_room), "{on_shift} {has_room}");
        }
    }

    #[test]
    fn names_are_those_of_the_api() {
        for status in ALL {
            assert_eq!(serde_json::to_value(status).expect("JSON"), status.as_str());
        }
    }
}
