//! What begins by itself: the times of a schedule, and the steps of a run once those before them have ended.

use super::{
    broken::Broken,
    database,
    state::{End, Id, Life, Place, Process, State},
    steps::Step,
    worlds::World,
};

impl World {
    /// The jobs that a job comes after, if they are the steps of a run.
    pub fn needs(&self, id: Id) -> &'static [Id] {
        self.needs.get(id).copied().unwrap_or_default()
    }

    /// Whether somebody puts the job in; else a step before it or a time of the schedule does.
    pub fn is_asked_for(&self, id: Id) -> bool {
        !self.scheduled && self.needs(id).is_empty()
    }

    /// What tickers and time may do.
    pub fn tick(&self, state: &State, steps: &mut Vec<Step>) {
        let is_live = |job: &super::state::Job| job.place == Place::Live && !job.cancel_requested;
        if state.stopped && state.jobs.iter().any(is_live) {
            steps.push(Step::WindDown);
        }
        if self.scheduled && state.due < state.jobs.len() {
            steps.push(Step::TimeComes);
        }
        for (node, process) in state.processes.iter().enumerate() {
            if process.life != Life::Awake {
                continue;
            }
            if process.owes.is_some() {
                steps.push(Step::Pay(node));
            } else if process.seen.is_some() {
                steps.push(Step::Tick(node));
            } else if state.next < state.due {
                steps.push(Step::Look(node));
            }
        }
    }
}

/// A job is put in.
pub fn accept(state: &mut State, id: Id) {
    let job = &mut state.jobs[id];
    job.record.accepted = (job.record.accepted + 1).min(2);
    if job.place == Place::Nowhere {
        job.place = Place::Live;
    }
}

/// One transaction of a ticker: the schedule's row is locked, read again, and moved on with what is due put in.
pub fn tick(world: &World, state: &mut State, node: Id) {
    let Some(seen) = state.processes[node].seen.take() else { return };
    let due = if world.is(Broken::TickTrustsItsLook) { seen } else { state.next };
    if due >= state.due {
        return;
    }
    state.next = due + 1;
    if world.is(Broken::TickInTwoTransactions) {
        state.processes[node].owes = Some(due);
    } else {
        accept(state, due);
    }
}

/// Follows, in the transaction of a step, from the jobs that ended in it.
pub fn follow(world: &World, before: &State, state: &mut State, step: &Step) {
    if world.needs.is_empty() {
        return;
    }
    let is_over = |state: &State, id: Id| matches!(state.jobs[id].place, Place::Ended(_));
    for id in (0..state.jobs.len()).filter(|id| !is_over(before, *id)) {
        if !is_over(state, id) {
            continue;
        }
        match step {
            Step::Write { node, .. } if world.is(Broken::ReleaseApart) => {
                state.processes[*node].owes = Some(id);
            }
            _ => follow_one(world, state, id),
        }
    }
}

/// Counts an ended step off those that wait for it, and puts in what waits for nothing else; or stops the run.
pub fn follow_one(world: &World, state: &mut State, id: Id) {
    if !state.jobs[id].completed() && !world.is(Broken::LostResultReleases) {
        stop(world, state);
        return;
    }
    for next in (0..state.jobs.len()).filter(|next| world.needs(*next).contains(&id)) {
        let job = &mut state.jobs[next];
        job.waits = job.waits.saturating_sub(1);
        if job.waits == 0 && !state.stopped {
            accept(state, next);
        }
    }
}

/// Nothing of the run begins any more.
fn stop(world: &World, state: &mut State) {
    state.stopped = true;
    if world.is(Broken::StopForgetsWhatWaits) {
        return;
    }
    for job in state.jobs.iter_mut().filter(|job| job.place == Place::Nowhere) {
        job.end(End::Cancelled);
    }
}

/// Cancels what a run that has stopped had begun.
pub fn wind_down(state: &mut State) {
    for job in state.jobs.iter_mut().filter(|job| job.place == Place::Live) {
        database::cancel(job);
    }
}

/// What a broken protocol left for a second transaction.
pub fn pay(world: &World, state: &mut State, node: Id) {
    match state.processes[node].owes.take() {
        Some(id) if world.scheduled => accept(state, id),
        Some(id) => follow_one(world, state, id),
        None => {}
    }
}

/// Two tickers have seen the same time.
pub fn is_raced(state: &State) -> bool {
    let seen = |process: &Process| process.seen.is_some();
    state.processes.iter().filter(|process| seen(process)).count() > 1
}
