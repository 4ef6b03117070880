//! The job that closes rounds of challenges and competitions whose time has come.

use std::time::Duration;

use chrono::{NaiveDate, TimeDelta};
use engine::JobKind;
use serde::{Deserialize, Serialize};

use super::{challenges::claim, competitions::closing, tail};
use crate::{
    Ctx,
    error::Result,
    tenancy::TenantTx,
    types::{ChallengeId, CompetitionId},
};

/// How long after its end something is closed: what happened before may still be on its way through the log.
pub const GRACE: TimeDelta = TimeDelta::seconds(5);

/// Closes one of them.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum CloseGames {
    Round {
        challenge: ChallengeId,
        /// Its first day.
        day: NaiveDate,
    },
    Competition {
        competition: CompetitionId,
    },
}

impl JobKind for CloseGames {
    const KIND: &'static str = "close_games";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_mins(5);
}

/// What came of a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// There is more to give out.
    More,
    /// It was put off, and another job closes it.
    Early,
    Done,
}

/// Counts all that has happened so far, so that nothing is late that was told in time.
///
/// # Errors
/// If the database does not answer.
pub async fn count_first(ctx: &Ctx) -> Result<()> {
    tail::catch_up(ctx).await
}

/// Closes it, and gives some of what it brings: the caller commits, and asks again while there is more. What was closed stays
/// so, and what was given is given once, however many do this.
///
/// # Errors
/// If the database refuses.
pub async fn close(tx: &mut TenantTx, job: &CloseGames) -> Result<Closed> {
    match *job {
        CloseGames::Round { challenge, day } => claim::close_round(tx, challenge, day).await,
        CloseGames::Competition { competition } => closing::close(tx, competition).await,
    }
}
