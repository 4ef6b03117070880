//! How dead nodes are found, and what becomes of the jobs that they held.

use super::{
    broken::Broken,
    database::{self, BLAMES_TO_RUN_ALONE},
    state::{End, Id, Job, Life, Place, Process, Row, State, Wrong},
    worlds::World,
};

/// How many blames quarantine a job.
const BLAMES: u8 = 3;

/// Whether a node may look for dead ones: it leads, that is, it is the oldest that is not silent; and it
/// has beaten twice, once since the database started and without a gap in the last 10 s.
pub fn may_rescue(state: &State, node: Id) -> bool {
    let row = |process: &Process| process.row.clone().filter(|row| !row.silent);
    let leads = state.processes.iter().position(|process| row(process).is_some()) == Some(node);
    leads && row(&state.processes[node]).is_some_and(|row| row.beats >= 2 && row.since_start && row.steady)
}

/// The nodes that are silent. One of whose jobs one is locked is left for the next time, with all that it
/// holds: else it would not learn what it has lost.
pub fn dead(world: &World, state: &State) -> Vec<Id> {
    let silent = |node: &Id| state.processes[*node].row.as_ref().is_some_and(|row| row.silent);
    let free = |node: &Id| {
        let mut held = (0..state.jobs.len()).filter(|id| state.jobs[*id].node == Some(*node));
        if world.is(Broken::RescuedInPart) {
            held.clone().count() == 0 || held.any(|id| !database::is_locked(state, id))
        } else {
            held.all(|id| !database::is_locked(state, id))
        }
    };
    (0..state.processes.len()).filter(silent).filter(free).collect()
}

/// Takes from all dead nodes what they held and strikes them off.
pub fn rescue(world: &World, state: &mut State) {
    for node in dead(world, state) {
        let process = state.processes[node].clone();
        let Some(row) = &process.row else { continue };
        if process.life == Life::Awake && !process.slept {
            state.wrong = Some(Wrong::WakingStruckOff);
        }
        let held = |job: &Job| job.place == Place::Live && job.node == Some(node);
        for id in 0..state.jobs.len() {
            if held(&state.jobs[id]) && !database::is_locked(state, id) {
                give_back(world, &mut state.jobs[id], id, row, &process);
            }
        }
        if !state.jobs.iter().any(held) {
            state.processes[node].row = None;
        }
    }
}

/// The process failed, not the job: the attempt does not count. All that was there moves up one step: to a
/// suspect, to one blamed once, and, if the node recorded it, to one blamed twice. Beside one that ran alone
/// there was nothing but what had ended already, and that one is blamed a third time.
fn give_back(world: &World, job: &mut Job, id: Id, row: &Row, process: &Process) {
    job.node = None;
    if !world.is(Broken::RescueKeepsClaim) {
        job.claim = None;
    }
    job.attempt -= 1;
    let recorded = row.suspect == Some(id);
    let ran = process.running().map(|handler| handler.job).chain(process.ran.iter().copied());
    let killed_alone = !matches!(process.life, Life::Dead(Some(_))) && ran.into_iter().all(|ran| ran == id);
    job.record.bad_luck |= recorded && job.blames >= BLAMES_TO_RUN_ALONE && killed_alone;
    let let_off = row.suspect.is_some() && world.is(Broken::CompanyLetOff);
    if world.is(Broken::BlameForAll) {
        job.blames += 1;
    } else if row.alone || recorded && !database::has_tiers(world) {
        job.blames += u8::from(recorded);
    } else if recorded || !let_off {
        let step = if recorded { BLAMES_TO_RUN_ALONE } else { 1 };
        job.blames = if job.suspect { step } else { 0 };
        job.suspect = true;
    }
    if job.cancel_requested && !world.is(Broken::RescueForgetsCancel) {
        job.end(End::Cancelled);
    } else if job.blames >= BLAMES {
        job.end(End::Quarantined);
    }
}
