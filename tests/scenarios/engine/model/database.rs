//! The functions of the database that processes and operators call, each as one step.

use super::{
    broken::Broken,
    flow,
    state::{End, Handler, Id, Job, Outcome, Place, QUEUES, Record, Row, State, Wrong},
    worlds::World,
};

/// Blamed so often, a suspect is only claimed to run alone.
pub const BLAMES_TO_RUN_ALONE: u8 = 2;

/// Whether a claim of a node gets these jobs: they wait, it has a row, and there is one among them at most
/// that was blamed, none if the node runs such a one already. Who has been blamed twice is claimed alone.
pub fn may_claim(world: &World, state: &State, node: Id, jobs: &[Id], alone: bool) -> bool {
    let Some(row) = &state.processes[node].row else { return false };
    let is_blamed = |job: &&Id| state.jobs[**job].blames > 0 && !world.is(Broken::BlameForAll);
    let blamed = jobs.iter().filter(is_blamed).count();
    let room = usize::from(row.suspect.is_none() || world.is(Broken::SuspectBesideSuspect));
    let runs_alone = |job: &Job| job.blames >= BLAMES_TO_RUN_ALONE && has_tiers(world);
    let claimable = |job: &Job| job.waits() && runs_alone(job) == alone;
    blamed <= room && jobs.iter().all(|job| claimable(&state.jobs[*job]))
}

/// Whether a suspect that was blamed twice is run alone.
pub fn has_tiers(world: &World) -> bool {
    !world.is(Broken::BlameBesideOthersQuarantines) && !world.is(Broken::BlameForAll)
}

/// Stamps the jobs with the node and a new fence. Answers what the node gets to know.
pub fn claim(world: &World, state: &mut State, node: Id, jobs: &[Id], alone: bool) -> Vec<Handler> {
    let next = state.fence + 1;
    let mut taken = Vec::new();
    for id in jobs {
        let job = &mut state.jobs[*id];
        job.attempt += 1;
        let fence = if world.is(Broken::FenceFromAttempt) { job.attempt } else { next };
        if fence <= state.fence {
            state.wrong = Some(Wrong::FenceRepeated);
        }
        (job.node, job.claim) = (Some(node), Some(fence));
        if job.blames > 0
            && !world.is(Broken::BlameForAll)
            && let Some(row) = &mut state.processes[node].row
        {
            (row.suspect, row.alone) = (Some(*id), alone);
        }
        let last = job.attempt >= world.max_attempts;
        taken.push(Handler {
            job: *id,
            fence,
            alone,
            last,
            settling: false,
            result: None,
            unanswered: false,
        });
    }
    state.fence = taken.iter().map(|handler| handler.fence).fold(state.fence, u8::max);
    taken
}

/// Hands back what a node claimed in a queue after `fence`, and makes claims on older connections void.
pub fn disown(world: &World, state: &mut State, node: Id, queue: usize, fence: u8) {
    if let Some(row) = &mut state.processes[node].row
        && !world.is(Broken::OldConnectionsStayValid)
    {
        row.voids[queue] = true;
    }
    for job in 0..state.jobs.len() {
        let held = state.jobs[job].claim.filter(|_| state.jobs[job].node == Some(node));
        if world.queue(job) == queue
            && let Some(claim) = held.filter(|claim| *claim > fence)
        {
            finish(world, state, node, (job, claim), Outcome::Release);
        }
    }
}

/// Ends an attempt if it still holds its claim; `false` if the claim was lost and nothing changed.
pub fn finish(world: &World, state: &mut State, node: Id, (id, fence): (Id, u8), outcome: Outcome) -> bool {
    let job = &mut state.jobs[id];
    let ours = job.place == Place::Live && job.claim == Some(fence);
    if !(ours || job.place == Place::Live && world.is(Broken::CompletionWithoutFence)) {
        job.record.endings += u8::from(world.is(Broken::LostResultRecorded));
        if world.is(Broken::LostResultReleases) && outcome == Outcome::Done {
            flow::follow_one(world, state, id);
        }
        return false;
    }
    if !ours || job.node != Some(node) {
        state.wrong = Some(Wrong::LateResultCounted);
    }
    let unwanted = job.cancel_requested && !world.is(Broken::RetryIgnoresCancel);
    match outcome {
        Outcome::Done => job.end(End::Completed),
        Outcome::Cancel => job.end(End::Cancelled),
        Outcome::Discard => job.end(End::Discarded),
        Outcome::Retry | Outcome::Snooze | Outcome::Release if unwanted => job.end(End::Cancelled),
        Outcome::Retry | Outcome::Snooze | Outcome::Release => {
            (job.node, job.claim) = (None, None);
            job.attempt = job.attempt.saturating_sub(u8::from(outcome != Outcome::Retry));
            // Who ended by itself did not bring its process down; who was never begun has shown nothing.
            if outcome != Outcome::Release || world.is(Broken::ReleasedClearsSuspicion) {
                (job.suspect, job.blames) = (false, 0);
            }
        }
    }
    for row in state.processes.iter_mut().filter_map(|process| process.row.as_mut()) {
        if row.suspect == Some(id) {
            (row.suspect, row.alone) = (None, false);
        }
    }
    true
}

/// Ends the job in the transaction of its effect; both happen or neither.
pub fn settle(world: &World, state: &mut State, node: Id, handler: &Handler) {
    let ours = finish(world, state, node, (handler.job, handler.fence), Outcome::Done);
    let record = &mut state.jobs[handler.job].record;
    record.settled |= ours;
    record.effects += u8::from(ours || world.is(Broken::EffectWithoutEnding));
}

/// Whether an open transaction has ended the job, so that nobody else can change it.
pub fn is_locked(state: &State, id: Id) -> bool {
    let mut handlers = state.processes.iter().flat_map(|process| &process.handlers);
    handlers.any(|handler| handler.job == id && handler.settling)
}

/// A beat is written to the row that there is, or makes one.
pub fn beat(world: &World, row: &mut Option<Row>, returns: bool) {
    let Some(row) = row else {
        let voids = [!(returns && world.is(Broken::NewRowForgetsConnections)); QUEUES];
        *row = Some(Row { voids, ..Row::NEW });
        return;
    };
    row.beats = (row.beats + 1).min(2);
    row.steady &= !row.silent || world.is(Broken::OwnGapForgotten);
    (row.silent, row.since_start) = (false, true);
}

/// Ends a waiting job at once; a running one gets a flag that its node looks for.
pub fn cancel(job: &mut Job) {
    if job.waits() {
        job.end(End::Cancelled);
    } else {
        job.cancel_requested = true;
    }
}

/// Makes a job that ended badly wait again under its id: a new life.
pub fn retry(job: &mut Job) {
    *job = Job { place: Place::Live, record: Record::default(), ..Job::new() };
}

/// A node that leaves strikes itself off, unless it holds something that must be rescued.
pub fn leave(world: &World, state: &mut State, node: Id) {
    let holds = state.jobs.iter().any(|job| job.node == Some(node));
    if !holds || world.is(Broken::LeavesWithJobs) {
        state.processes[node].row = None;
    }
}
