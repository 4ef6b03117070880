//! What can happen next.

use super::{
    broken::Broken,
    database::{self, BLAMES_TO_RUN_ALONE},
    rescue,
    state::{Id, Life, Outcome, Place, Process, QUEUES, State},
    steps::{Answer, Step},
    worlds::{Nature, World},
};

fn when(allowed: bool, step: Step) -> Option<Step> {
    allowed.then_some(step)
}

impl World {
    /// All steps that may come next.
    pub fn offer(&self, state: &State, steps: &mut Vec<Step>) {
        let left = &state.left;
        for (id, job) in state.jobs.iter().enumerate() {
            let badly = matches!(job.place, Place::Ended(_)) && !job.completed();
            let free = !database::is_locked(state, id);
            let is_new = job.place == Place::Nowhere && self.is_asked_for(id);
            steps.extend(when(is_new, Step::Enqueue(id)));
            steps.extend(when(left.cancels > 0 && job.place == Place::Live && free, Step::Cancel(id)));
            steps.extend(when(left.retries > 0 && badly, Step::Retry(id)));
            steps.extend(when(left.discards > 0 && job.waits(), Step::Discard(id)));
        }
        let alive = state.processes.iter().filter(|process| !matches!(process.life, Life::Dead(_))).count();
        steps.extend(when(left.starts > 0 && alive < self.width, Step::Start));
        let found = !rescue::dead(self, state).is_empty();
        for (id, process) in state.processes.iter().enumerate() {
            let row = process.row.as_ref();
            let may_fall_silent = row.is_some_and(|row| !row.silent);
            self.late_claims(state, id, steps);
            match process.life {
                Life::Awake => {
                    steps.extend(when(may_beat(state, process), Step::Beat(id)));
                    steps.extend(when(may_be_steady(state, process), Step::Steady(id)));
                    self.dispatch(state, id, steps);
                    self.work(state, id, steps);
                    steps.extend(when(left.kills > 0, Step::Kill(id)));
                    steps.extend(when(left.sleeps > 0, Step::Stop(id)));
                    steps.extend(when(left.drains > 0 && row.is_some(), Step::Leave(id)));
                    steps.extend(when(found && rescue::may_rescue(state, id), Step::Rescue(id)));
                }
                Life::Asleep => {
                    steps.push(Step::Continue(id));
                    steps.extend(when(may_fall_silent, Step::FallSilent(id)));
                    let settling = (0..process.handlers.len()).filter(|at| process.handlers[*at].settling);
                    steps.extend(settling.map(|handler| Step::RollBack { node: id, handler }));
                }
                Life::Dead(_) => steps.extend(when(may_fall_silent, Step::FallSilent(id))),
            }
        }
        self.tick(state, steps);
        steps.extend(when(left.database_starts > 0, Step::DatabaseStarts));
        steps.extend(when(left.database_stalls > 0, Step::DatabaseStalls));
    }

    /// What the dispatchers of a process may do.
    fn dispatch(&self, state: &State, node: Id, steps: &mut Vec<Step>) {
        let process = &state.processes[node];
        let wanted = |id: Id| state.jobs[id].waits() && state.jobs[id].blames >= BLAMES_TO_RUN_ALONE;
        for (queue, line) in process.lines.iter().enumerate() {
            if !line.coming.is_empty() {
                steps.push(Step::Hear { node, queue });
            } else if line.unsure.is_some() && !self.is(Broken::LostAnswerNotDisowned) {
                steps.push(Step::Disown { node, queue });
            } else if !self.keeps_quiet(process) {
                self.claims(state, node, queue, false, steps);
                let is_idle = process.running().next().is_none()
                    && process.lines.iter().all(|line| line.coming.is_empty());
                let wants = (0..state.jobs.len()).any(|id| self.queue(id) == queue && wanted(id));
                if is_idle && wants && database::has_tiers(self) {
                    self.claims(state, node, queue, true, steps);
                }
            }
        }
    }

    /// Claims of one waiting job, or of two; of one suspect if it is to run alone.
    fn claims(&self, state: &State, node: Id, queue: usize, alone: bool, steps: &mut Vec<Step>) {
        let mut any = false;
        for jobs in self.handfuls(state, node, queue, alone) {
            any = true;
            let answers = [
                (Answer::Heard, !self.slow_answers),
                (Answer::Slow, self.slow_answers),
                (Answer::Lost, state.left.lost_answers > 0),
            ];
            for (answer, _) in answers.into_iter().filter(|(_, possible)| *possible) {
                steps.push(Step::Claim { node, jobs: jobs.clone(), alone, answer });
            }
        }
        let unread = state.processes[node].lines[queue].unread.is_some();
        steps.extend(when(
            any && !unread && state.left.late_claims > 0,
            Step::BreakUnderClaim { node, queue, alone },
        ));
    }

    /// Claims that the database reads after their connection broke.
    fn late_claims(&self, state: &State, node: Id, steps: &mut Vec<Step>) {
        let process = &state.processes[node];
        for queue in 0..QUEUES {
            let valid = process.row.as_ref().is_some_and(|row| !row.voids[queue]);
            if let Some(alone) = process.lines[queue].unread.filter(|_| valid) {
                for jobs in self.handfuls(state, node, queue, alone) {
                    steps.push(Step::LateClaim { node, jobs, alone });
                }
            }
        }
    }

    /// What one claim may take.
    fn handfuls(&self, state: &State, node: Id, queue: usize, alone: bool) -> Vec<Vec<Id>> {
        let ids: Vec<Id> = (0..state.jobs.len()).filter(|id| self.queue(*id) == queue).collect();
        let mut all: Vec<Vec<Id>> = ids.iter().map(|one| vec![*one]).collect();
        if !alone {
            let pairs =
                ids.iter().enumerate().flat_map(|(at, one)| ids[at + 1..].iter().map(move |two| (one, two)));
            all.extend(pairs.map(|(one, two)| vec![*one, *two]));
        }
        all.retain(|jobs| database::may_claim(self, state, node, jobs, alone));
        all
    }

    /// What the handlers of a process and its completer may do.
    fn work(&self, state: &State, node: Id, steps: &mut Vec<Step>) {
        let heard: &[Answer] = &[Answer::Heard, Answer::Lost];
        let answers = || heard[..=usize::from(state.left.lost_answers > 0)].iter().copied();
        for (place, handler) in state.processes[node].handlers.iter().enumerate() {
            let settles = || answers().map(|answer| Step::Settle { node, handler: place, answer });
            if handler.result.is_some() {
                steps.extend(answers().map(|answer| Step::Write { node, handler: place, answer }));
                continue;
            }
            if handler.settling {
                steps.extend(settles());
                continue;
            }
            let ends = |outcome| Step::HandlerEnds { node, handler: place, outcome };
            steps.extend(when(state.left.drains > 0, ends(Outcome::Release)));
            let job = &state.jobs[handler.job];
            steps.extend(when(job.cancel_requested && job.node == Some(node), ends(Outcome::Cancel)));
            if self.jobs[handler.job] == Nature::Killer {
                steps.push(Step::BringDown { node, job: handler.job });
                continue;
            }
            let may = |outcome: &&Outcome| **outcome != Outcome::Snooze || state.left.snoozes > 0;
            steps.extend(self.outcomes.iter().filter(may).map(|outcome| ends(*outcome)));
            if self.slow_settles && job.claim == Some(handler.fence) {
                steps.push(Step::SettleSlowly { node, handler: place });
            }
            if self.settles {
                steps.extend(settles());
            }
        }
    }
}

/// Somebody who is awake has not beaten since the database answers again.
fn others_are_behind(state: &State) -> bool {
    let rows = state.processes.iter().filter(|process| process.life == Life::Awake);
    rows.filter_map(|process| process.row.as_ref()).any(|row| row.silent || !row.since_start)
}

/// A beat matters if it makes a row, ends a silence or is one of the first. Everybody beats equally often,
/// so one of the first comes after that of all others that are awake.
fn may_beat(state: &State, process: &Process) -> bool {
    let Some(row) = &process.row else { return true };
    row.silent || !row.since_start || row.beats < 2 && !others_are_behind(state)
}

/// 10 s after a gap of its own everybody who is awake has beaten.
fn may_be_steady(state: &State, process: &Process) -> bool {
    let row = process.row.as_ref();
    row.is_some_and(|row| !row.steady && !row.silent) && !others_are_behind(state)
}
