//! The bounded worlds in which the protocol is checked.

use super::{
    broken::Broken,
    properties::Sight,
    state::{Id, Left, Outcome},
};

/// What a job does to its process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    Innocent,
    /// It brings down every process that runs it.
    Killer,
}

/// What there is and what may happen.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each widens or narrows the world for itself")]
pub struct World {
    pub broken: &'static [Broken],
    pub jobs: &'static [Nature],
    pub max_attempts: u8,
    /// These have been blamed twice before the world begins.
    pub accused: &'static [Id],
    /// Each job is in a queue of its own, else all are in one.
    pub two_queues: bool,
    /// The jobs are the steps of a run: the steps that each comes after.
    pub needs: &'static [&'static [Id]],
    /// The jobs are the times of a schedule.
    pub scheduled: bool,
    /// What handlers may say; whether they may also end their job in the transaction of its effect, and
    /// whether such a transaction may stay open for a while.
    pub outcomes: &'static [Outcome],
    pub settles: bool,
    pub slow_settles: bool,
    /// Answers of claims take their time.
    pub slow_answers: bool,
    /// So many processes run at a time.
    pub width: usize,
    pub left: Left,
    /// What must be seen somewhere, so that the world is not too small to prove anything.
    pub shows: &'static [Sight],
}

impl World {
    /// Whether the protocol is broken in this way.
    pub fn is(&self, broken: Broken) -> bool {
        self.broken.contains(&broken)
    }

    /// The same world under a broken protocol.
    pub fn with(self, broken: &'static [Broken]) -> Self {
        Self { broken, ..self }
    }

    /// The queue of a job.
    pub fn queue(&self, job: Id) -> usize {
        if self.two_queues { job } else { 0 }
    }

    /// Two jobs that do no harm, and two processes killed from outside.
    pub fn two_innocents_and_two_crashes() -> Self {
        Self {
            left: Left { starts: 1, kills: 2, ..Left::default() },
            shows: &[Sight::Rescue, Sight::Suspect, Sight::SecondRun],
            ..BASE
        }
    }

    /// One job that does no harm, and so many kills that it may be quarantined for nothing.
    pub fn an_innocent_with_bad_luck() -> Self {
        Self {
            jobs: &[Nature::Innocent],
            outcomes: &[Outcome::Done],
            settles: false,
            width: 1,
            left: Left { starts: 4, kills: 4, ..Left::default() },
            shows: &[Sight::Rescue, Sight::Alone, Sight::Quarantine],
            ..BASE
        }
    }

    /// A job that brings every process down, beside one that does no harm; one kill from outside.
    pub fn a_killer_beside_an_innocent() -> Self {
        Self {
            jobs: &[Nature::Killer, Nature::Innocent],
            outcomes: &[Outcome::Done],
            settles: false,
            left: Left { starts: 4, kills: 1, ..Left::default() },
            shows: &[Sight::Rescue, Sight::Suspect, Sight::Quarantine],
            ..BASE
        }
    }

    /// A killer alone, on nodes that hand it back unrun when they drain.
    pub fn a_killer_that_is_handed_back() -> Self {
        Self {
            jobs: &[Nature::Killer],
            outcomes: &[],
            settles: false,
            left: Left { starts: 5, drains: 2, ..Left::default() },
            shows: &[Sight::Quarantine],
            ..BASE
        }
    }

    /// A killer whose process is stopped and goes on, beside an innocent.
    pub fn a_killer_that_sleeps() -> Self {
        Self {
            jobs: &[Nature::Killer, Nature::Innocent],
            outcomes: &[Outcome::Done],
            settles: false,
            left: Left { starts: 3, sleeps: 1, ..Left::default() },
            shows: &[Sight::Rescue, Sight::Quarantine, Sight::LateResult],
            ..BASE
        }
    }

    /// Processes are stopped, lose their jobs, go on and bring their results too late.
    pub fn sleep_and_late_completion() -> Self {
        Self {
            left: Left { sleeps: 1, ..Left::default() },
            shows: &[Sight::Rescue, Sight::LateResult, Sight::SecondRun],
            ..BASE
        }
    }

    /// An operator cancels, discards and retries while jobs run, end and lose their process.
    pub fn cancel_against_completion() -> Self {
        Self {
            jobs: &[Nature::Innocent],
            outcomes: &[Outcome::Done, Outcome::Retry, Outcome::Snooze, Outcome::Discard],
            left: Left {
                starts: 1,
                cancels: 2,
                retries: 1,
                discards: 1,
                snoozes: 1,
                kills: 1,
                ..Left::default()
            },
            shows: &[Sight::CancelOfRunning, Sight::Rescue],
            ..BASE
        }
    }

    /// Answers of the database are lost, and the database starts again or stands still.
    pub fn lost_answers_are_repeated() -> Self {
        Self {
            outcomes: &[Outcome::Done, Outcome::Retry],
            left: Left { lost_answers: 2, database_starts: 1, ..Left::default() },
            shows: &[Sight::WorkFoundDone],
            ..BASE
        }
    }

    /// The database starts again, or does not answer for a while, and a process dies meanwhile.
    pub fn the_database_stands_still() -> Self {
        Self {
            jobs: &[Nature::Innocent],
            outcomes: &[Outcome::Done],
            settles: false,
            width: 3,
            left: Left { starts: 1, kills: 1, database_starts: 1, database_stalls: 1, ..Left::default() },
            shows: &[Sight::Rescue],
            ..BASE
        }
    }

    /// Nodes drain and leave, whether or not they still hold something.
    pub fn nodes_leave() -> Self {
        Self {
            left: Left { starts: 1, drains: 2, ..Left::default() },
            shows: &[Sight::Rescue, Sight::SecondRun],
            ..BASE
        }
    }

    /// An innocent that was blamed twice, a killer that nobody knows yet, and a process that sleeps.
    pub fn the_last_trial_of_an_innocent() -> Self {
        Self {
            jobs: &[Nature::Innocent, Nature::Killer],
            accused: &[0],
            outcomes: &[Outcome::Done],
            settles: false,
            left: Left { starts: 3, sleeps: 1, ..Left::default() },
            shows: &[Sight::Alone, Sight::Quarantine],
            ..BASE
        }
    }

    /// The same in two queues, where the claim of the suspect may bring no answer or be read late.
    pub fn a_trial_without_an_answer() -> Self {
        Self {
            jobs: &[Nature::Innocent, Nature::Killer],
            accused: &[0],
            two_queues: true,
            outcomes: &[Outcome::Done],
            settles: false,
            left: Left { starts: 3, lost_answers: 1, late_claims: 1, ..Left::default() },
            shows: &[Sight::Alone, Sight::Quarantine],
            ..BASE
        }
    }

    /// Claims whose answers are lost or late, on connections that break, in processes that sleep.
    pub fn claims_that_sleep() -> Self {
        Self {
            outcomes: &[Outcome::Done],
            settles: false,
            slow_answers: true,
            left: Left { sleeps: 1, late_claims: 1, ..Left::default() },
            shows: &[Sight::Rescue],
            ..BASE
        }
    }

    /// A process sleeps while a transaction of it is open.
    pub fn a_transaction_that_sleeps() -> Self {
        Self {
            outcomes: &[Outcome::Done],
            settles: false,
            slow_settles: true,
            left: Left { sleeps: 1, ..Left::default() },
            shows: &[Sight::Rescue],
            ..BASE
        }
    }

    /// Two steps after a first one, and one that waits for both; processes die and sleep.
    pub fn steps_that_meet_in_a_join() -> Self {
        Self {
            jobs: &[Nature::Innocent; 4],
            needs: &[&[], &[0], &[0], &[1, 2]],
            outcomes: &[Outcome::Done],
            left: Left { kills: 1, sleeps: 1, ..Left::default() },
            shows: &[Sight::Rescue, Sight::Join],
            ..BASE
        }
    }

    /// The same where a step may end badly while the one beside it runs.
    pub fn a_step_that_fails() -> Self {
        Self {
            jobs: &[Nature::Innocent; 4],
            needs: &[&[], &[0], &[0], &[1, 2]],
            max_attempts: 1,
            outcomes: &[Outcome::Done, Outcome::Discard],
            settles: false,
            left: Left { starts: 1, kills: 1, ..Left::default() },
            shows: &[Sight::Stop, Sight::CancelOfRunning],
            ..BASE
        }
    }

    /// Two processes tick, die and sleep between a look and what comes of it.
    pub fn times_of_a_schedule() -> Self {
        Self {
            scheduled: true,
            outcomes: &[Outcome::Done],
            settles: false,
            left: Left { kills: 1, sleeps: 1, ..Left::default() },
            shows: &[Sight::TickRace],
            ..BASE
        }
    }
}

/// Two processes, two jobs, no mishap.
const BASE: World = World {
    broken: &[],
    jobs: &[Nature::Innocent, Nature::Innocent],
    max_attempts: 2,
    accused: &[],
    two_queues: false,
    needs: &[],
    scheduled: false,
    outcomes: &[Outcome::Retry],
    settles: true,
    slow_settles: false,
    slow_answers: false,
    width: 2,
    left: Left {
        starts: 0,
        kills: 0,
        sleeps: 0,
        lost_answers: 0,
        late_claims: 0,
        cancels: 0,
        retries: 0,
        discards: 0,
        snoozes: 0,
        drains: 0,
        database_starts: 0,
        database_stalls: 0,
    },
    shows: &[],
};
