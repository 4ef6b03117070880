//! What a process does with what the database answers.

use super::{
    broken::Broken,
    database,
    state::{Handler, Id, Outcome, Process, State},
    steps::Answer,
    worlds::World,
};

impl World {
    /// Whether the process keeps quiet for a suspect that runs alone: nothing else is claimed until its end
    /// is written, or until a claim of it that brought no answer is disowned.
    pub fn keeps_quiet(&self, process: &Process) -> bool {
        if self.is(Broken::QuietEndsTooEarly) {
            return process.running().any(|handler| handler.alone);
        }
        process.handlers.iter().any(|handler| handler.alone)
            || process.lines.iter().any(|line| line.unsure == Some(true))
    }

    /// Whoever finds itself struck off cuts off and forgets what it held, and only then makes a new row.
    /// Its connections count for nothing any more.
    pub fn beat(&self, process: &mut Process) {
        let returns = process.row.is_none() && process.registered;
        if returns && !self.is(Broken::StruckOffGoesOn) {
            process.handlers.retain(|handler| handler.result.is_some());
            for line in &mut process.lines {
                if !self.is(Broken::AnswerAfterStrikeOffRuns) {
                    line.coming.clear();
                }
                if line.coming.is_empty() && self.disowns_at_return() {
                    line.unsure = line.unsure.or(Some(false));
                }
            }
        }
        database::beat(self, &mut process.row, returns);
        (process.registered, process.slept) = (true, false);
    }

    /// What a claim took begins to run when the answer comes.
    pub fn claim(&self, state: &mut State, node: Id, jobs: &[Id], alone: bool, answer: Answer) {
        let queue = self.queue(jobs[0]);
        let taken = database::claim(self, state, node, jobs, alone);
        let line = &mut state.processes[node].lines[queue];
        match answer {
            Answer::Heard => self.begin(state, node, queue, taken),
            Answer::Slow => line.coming = taken,
            Answer::Lost => line.unsure = Some(alone),
        }
    }

    /// The connection breaks before the database has read a claim.
    pub fn break_under_claim(state: &mut State, node: Id, queue: usize, alone: bool) {
        let process = &mut state.processes[node];
        let line = &mut process.lines[queue];
        (line.unsure, line.unread) = (Some(alone), Some(alone));
        if let Some(row) = &mut process.row {
            row.voids[queue] = false;
        }
    }

    /// The answer of a claim comes.
    pub fn hear(&self, state: &mut State, node: Id, queue: usize) {
        let taken = std::mem::take(&mut state.processes[node].lines[queue].coming);
        self.begin(state, node, queue, taken);
    }

    fn begin(&self, state: &mut State, node: Id, queue: usize, taken: Vec<Handler>) {
        let process = &mut state.processes[node];
        for handler in taken {
            let begun = &mut state.jobs[handler.job].record.begun;
            *begun = (*begun + 1).min(2);
            if self.left.lost_answers + self.left.late_claims > 0 {
                process.lines[queue].fence = handler.fence;
            }
            process.handlers.push(handler);
        }
        // Their order means nothing.
        process.handlers.sort_by_key(|handler| (handler.job, handler.fence));
    }

    /// A handler that does not hear whether its transaction was committed says that it failed.
    pub fn settle(&self, state: &mut State, node: Id, place: usize, answer: Answer) {
        let handler = state.processes[node].handlers[place].clone();
        database::settle(self, state, node, &handler);
        if answer == Answer::Heard {
            state.processes[node].handlers.remove(place);
        } else {
            let handler = &mut state.processes[node].handlers[place];
            (handler.result, handler.unanswered) = (Some(Outcome::Retry), true);
        }
    }

    /// The last attempt is not tried again. A result whose answer was lost is kept and written again.
    pub fn write(&self, state: &mut State, node: Id, place: usize, answer: Answer) {
        let handler = &state.processes[node].handlers[place];
        let (claim, last) = ((handler.job, handler.fence), handler.last);
        let Some(outcome) = handler.result else { return };
        let spent = outcome == Outcome::Retry && last && !self.is(Broken::LastAttemptRetried);
        database::finish(self, state, node, claim, if spent { Outcome::Discard } else { outcome });
        if answer == Answer::Heard {
            state.processes[node].handlers.remove(place);
        } else {
            state.processes[node].handlers[place].unanswered = true;
        }
    }

    /// A node that returns disowns on new connections; left out where no claim can be lost, for there it
    /// would hand back nothing.
    fn disowns_at_return(&self) -> bool {
        let is_needed = self.left.lost_answers + self.left.late_claims > 0 || self.slow_answers;
        is_needed && !self.is(Broken::NewRowForgetsConnections)
    }
}
