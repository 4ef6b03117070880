//! The SQL of figures: how far was read ([`positions`]), what is counted anew ([`rebuild`]), and what is read of calls,
//! leads, messages, agents, games and jobs. Nothing here counts rows of calls, leads or messages themselves, but for the cut days at
//! the ends of a long range.

mod agents;
mod calls;
mod games;
mod jobs;
mod leads;
mod made;
mod messages;
mod names;
mod positions;
mod rebuild;

pub(crate) use self::made::drop_made;
pub(super) use self::{
    agents::{ActiveAgent, actions, adherence, agent_time, agents},
    calls::{all_calls, call_outcomes, calls_by_day, calls_by_time},
    games::{ChallengeFigures, Earned, badges_in, challenges_in, leaders, points_by_day, points_in},
    jobs::{JobCount, jobs_by_time},
    leads::{all_leads, leads_by_day, leads_by_owner, leads_by_time},
    made::{get_made, list_made, put_made},
    messages::{all_messages, messages, messages_by_day},
    names::{providers, teams, templates, tenant},
    positions::{Position, behind, counted_until, move_on, next_part, take_in, try_lock},
    rebuild::{
        Standing, advance_rebuild, begin_rebuild, count_day, lock, next_calls, next_day, next_leads, total,
        want_rebuild,
    },
};

/// Sums of one group, in the place of a bucket if time is one of the things they are told apart by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// From 1 on.
    pub bucket: i64,
    /// By the dimensions of what was read, in their order; none of one that was not asked for, and of what has none.
    pub keys: [Option<String>; 4],
    pub sums: Vec<i64>,
}

impl Group {
    /// All of a step of time.
    fn of_step(bucket: i64, sums: Vec<i64>) -> Self {
        Self { bucket, keys: [None, None, None, None], sums }
    }
}

/// The beginnings and the ends of what lies between borders.
fn spans(
    borders: &[chrono::DateTime<chrono::Utc>],
) -> (Vec<chrono::DateTime<chrono::Utc>>, Vec<chrono::DateTime<chrono::Utc>>) {
    borders.windows(2).map(|pair| (pair[0], pair[1])).unzip()
}

/// An id as it stands in a key: ids are told apart as such, which is faster than by their texts.
fn text(id: Option<uuid::Uuid>) -> Option<String> {
    id.map(|id| id.to_string())
}
