//! What a call came to.

use serde::{Deserialize, Serialize};

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CallOutcome {
    /// The lead became a customer, and its status says so from then on.
    Converted,
    Interested,
    /// They want to be called again.
    Callback,
    NotInterested,
    Voicemail,
    NoAnswer,
    Busy,
    WrongNumber,
    Other,
    /// Nobody took it for as long as its team lets one wait. The product itself says this, and the next two.
    Abandoned,
    /// It came in, and nothing says whose agents take it: name a default team.
    NoTeam,
    /// Nothing was heard of it any more, not even its end.
    Lost,
}

impl CallOutcome {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Converted => "converted",
            Self::Interested => "interested",
            Self::Callback => "callback",
            Self::NotInterested => "not_interested",
            Self::Voicemail => "voicemail",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::WrongNumber => "wrong_number",
            Self::Other => "other",
            Self::Abandoned => "abandoned",
            Self::NoTeam => "no_team",
            Self::Lost => "lost",
        }
    }

    /// Whether the product itself says this, for want of somebody who knows better.
    #[must_use]
    pub fn is_by_itself(self) -> bool {
        matches!(self, Self::Abandoned | Self::NoTeam | Self::Lost)
    }

    /// Whether the person was spoken with: a machine that answers is nobody's word.
    #[must_use]
    pub fn is_reply(self) -> bool {
        match self {
            Self::Converted | Self::Interested | Self::Callback | Self::NotInterested | Self::Other => true,
            Self::Voicemail
            | Self::NoAnswer
            | Self::Busy
            | Self::WrongNumber
            | Self::Abandoned
            | Self::NoTeam
            | Self::Lost => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [CallOutcome; 12] = [
        CallOutcome::Converted,
        CallOutcome::Interested,
        CallOutcome::Callback,
        CallOutcome::NotInterested,
        CallOutcome::Voicemail,
        CallOutcome::NoAnswer,
        CallOutcome::Busy,
        CallOutcome::WrongNumber,
        CallOutcome::Other,
        CallOutcome::Abandoned,
        CallOutcome::NoTeam,
        CallOutcome::Lost,
    ];

    #[test]
    fn names_are_those_of_the_api() {
        for outcome in ALL {
            assert_eq!(serde_json::to_value(outcome).expect("JSON"), outcome.as_str());
        }
    }

    #[test]
    fn what_the_product_says_for_want_of_anything_better_is_nobodys_word() {
        for outcome in ALL {
            assert!(!(outcome.is_by_itself() && outcome.is_reply()), "{outcome:?}");
        }
        assert!(CallOutcome::Interested.is_reply() && !CallOutcome::Voicemail.is_reply());
    }
}
