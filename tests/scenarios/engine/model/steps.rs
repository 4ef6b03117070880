//! The steps, and what comes of each.

use stateright::{Model, Property};

use super::{
    broken::Broken,
    database, flow, properties, rescue,
    state::{End, Id, Job, Left, Life, Outcome, Place, Process, Row, State},
    worlds::World,
};

/// What a process hears of the database's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Heard,
    /// It comes later.
    Slow,
    /// It never comes: the connection broke.
    Lost,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A job is accepted.
    Enqueue(Id),
    /// A process starts; it makes its row by its first beat.
    Start,
    /// A node says that it lives.
    Beat(Id),
    /// The last gap of a node is 10 s ago.
    Steady(Id),
    /// A node takes jobs that wait.
    Claim {
        node: Id,
        jobs: Vec<Id>,
        alone: bool,
        answer: Answer,
    },
    /// An answer that was on its way comes.
    Hear {
        node: Id,
        queue: usize,
    },
    /// A connection breaks before the database has read the claim on it.
    BreakUnderClaim {
        node: Id,
        queue: usize,
        alone: bool,
    },
    /// The database reads such a claim.
    LateClaim {
        node: Id,
        jobs: Vec<Id>,
        alone: bool,
    },
    /// A dispatcher disowns, on a new connection, what it has not heard of.
    Disown {
        node: Id,
        queue: usize,
    },
    /// A handler ends, in memory.
    HandlerEnds {
        node: Id,
        handler: usize,
        outcome: Outcome,
    },
    /// A handler commits its effect and the end of its job.
    Settle {
        node: Id,
        handler: usize,
        answer: Answer,
    },
    /// A handler ends its job in a transaction that it does not commit yet.
    SettleSlowly {
        node: Id,
        handler: usize,
    },
    /// The database ends the transaction of a process that is stopped.
    RollBack {
        node: Id,
        handler: usize,
    },
    /// The completer writes a result.
    Write {
        node: Id,
        handler: usize,
        answer: Answer,
    },
    /// A job brings its process down.
    BringDown {
        node: Id,
        job: Id,
    },
    /// A process is killed from outside.
    Kill(Id),
    /// A process is stopped.
    Stop(Id),
    /// A stopped process goes on.
    Continue(Id),
    /// 10 s have gone by without a beat.
    FallSilent(Id),
    /// A node looks for silent ones.
    Rescue(Id),
    /// A process drains and goes.
    Leave(Id),
    /// An operator's act, like the next two.
    Cancel(Id),
    Retry(Id),
    Discard(Id),
    /// A time of the schedule comes.
    TimeComes,
    /// A ticker looks which time is due, and in another step deals with it.
    Look(Id),
    Tick(Id),
    /// What a stopped run had begun is cancelled.
    WindDown,
    /// The second transaction of a protocol that is broken.
    Pay(Id),
    /// The database starts again.
    DatabaseStarts,
    /// The database does not answer for more than 10 s and then goes on.
    DatabaseStalls,
}

impl Model for World {
    type State = State;
    type Action = Step;

    /// As many processes as run at a time are there and have beaten twice.
    fn init_states(&self) -> Vec<State> {
        let row = Some(Row { beats: 2, ..Row::NEW });
        let settled = Process { row, registered: true, ..Process::default() };
        let processes = vec![settled; self.width];
        let accused = Job { place: Place::Live, suspect: true, blames: 2, ..Job::new() };
        let waits = |id: Id| u8::try_from(self.needs(id).len()).unwrap_or(u8::MAX);
        let new = |id: Id| Job { waits: waits(id), ..Job::new() };
        let job = |id: Id| if self.accused.contains(&id) { accused.clone() } else { new(id) };
        let jobs = (0..self.jobs.len()).map(job).collect();
        vec![State {
            jobs,
            processes,
            fence: 0,
            due: 0,
            next: 0,
            stopped: false,
            left: self.left,
            wrong: None,
        }]
    }

    fn actions(&self, state: &State, steps: &mut Vec<Step>) {
        self.offer(state, steps);
    }

    fn next_state(&self, before: &State, step: Step) -> Option<State> {
        let mut state = before.clone();
        spend(&mut state.left, &step);
        self.take(&mut state, step.clone());
        flow::follow(self, before, &mut state, &step);
        if !self.is(Broken::FenceFromAttempt) {
            state.tidy();
        }
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        properties::of(self)
    }
}

impl World {
    fn take(&self, state: &mut State, step: Step) {
        match step {
            Step::Enqueue(job) => flow::accept(state, job),
            Step::Cancel(job) => database::cancel(&mut state.jobs[job]),
            Step::Retry(job) => database::retry(&mut state.jobs[job]),
            Step::Discard(job) => state.jobs[job].end(End::Discarded),
            Step::DatabaseStarts => {
                for row in state.processes.iter_mut().filter_map(|process| process.row.as_mut()) {
                    let counts = self.is(Broken::SilenceAcrossRestart);
                    (row.silent, row.since_start) = (counts, counts);
                }
            }
            Step::DatabaseStalls => {
                for row in state.processes.iter_mut().filter_map(|process| process.row.as_mut()) {
                    row.silent = true;
                }
            }
            Step::Kill(id) => state.processes[id].die(None),
            Step::BringDown { node, job } => {
                state.jobs[job].record.brought_down += 1;
                state.processes[node].die(Some(job));
            }
            Step::Stop(id) => {
                (state.processes[id].life, state.processes[id].slept) = (Life::Asleep, true);
            }
            Step::Start => state.processes.push(Process::default()),
            Step::Continue(id) => state.processes[id].life = Life::Awake,
            Step::FallSilent(id) => on_row(state, id, |row| row.silent = true),
            Step::Steady(id) => on_row(state, id, |row| row.steady = true),
            Step::Rescue(_) => rescue::rescue(self, state),
            Step::Leave(id) => {
                database::leave(self, state, id);
                state.processes[id].die(None);
            }
            Step::Beat(id) => self.beat(&mut state.processes[id]),
            Step::Claim { node, jobs, alone, answer } => self.claim(state, node, &jobs, alone, answer),
            Step::Hear { node, queue } => self.hear(state, node, queue),
            Step::BreakUnderClaim { node, queue, alone } => {
                Self::break_under_claim(state, node, queue, alone);
            }
            Step::LateClaim { node, jobs, alone } => {
                state.processes[node].lines[self.queue(jobs[0])].unread = None;
                database::claim(self, state, node, &jobs, alone);
            }
            Step::Disown { node, queue } => {
                let line = &mut state.processes[node].lines[queue];
                line.unsure = None;
                let fence = line.fence;
                database::disown(self, state, node, queue, fence);
            }
            Step::HandlerEnds { node, handler, outcome } => {
                state.processes[node].handlers[handler].result = Some(outcome);
            }
            Step::SettleSlowly { node, handler } => state.processes[node].handlers[handler].settling = true,
            Step::RollBack { node, handler } => {
                let handler = &mut state.processes[node].handlers[handler];
                (handler.settling, handler.result) = (false, Some(Outcome::Retry));
            }
            Step::TimeComes => state.due += 1,
            Step::Look(id) => state.processes[id].seen = Some(state.next),
            Step::Tick(id) => flow::tick(self, state, id),
            Step::WindDown => flow::wind_down(state),
            Step::Pay(id) => flow::pay(self, state, id),
            Step::Settle { node, handler, answer } => self.settle(state, node, handler, answer),
            Step::Write { node, handler, answer } => self.write(state, node, handler, answer),
        }
    }
}

/// Mishaps and operators' acts become fewer.
fn spend(left: &mut Left, step: &Step) {
    let spent = match step {
        Step::Start => &mut left.starts,
        Step::Cancel(_) => &mut left.cancels,
        Step::Retry(_) => &mut left.retries,
        Step::Discard(_) => &mut left.discards,
        Step::DatabaseStarts => &mut left.database_starts,
        Step::DatabaseStalls => &mut left.database_stalls,
        Step::Kill(_) => &mut left.kills,
        Step::Stop(_) => &mut left.sleeps,
        Step::BreakUnderClaim { .. } => &mut left.late_claims,
        Step::Leave(_) | Step::HandlerEnds { outcome: Outcome::Release, .. } => &mut left.drains,
        Step::HandlerEnds { outcome: Outcome::Snooze, .. } => &mut left.snoozes,
        Step::Claim { answer: Answer::Lost, .. }
        | Step::Settle { answer: Answer::Lost, .. }
        | Step::Write { answer: Answer::Lost, .. } => &mut left.lost_answers,
        _ => return,
    };
    *spent -= 1;
}

fn on_row(state: &mut State, node: Id, change: impl FnOnce(&mut Row)) {
    if let Some(row) = &mut state.processes[node].row {
        change(row);
    }
}
