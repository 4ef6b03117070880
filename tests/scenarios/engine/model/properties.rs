//! What must hold in every world, and what some worlds must show.

use stateright::Property;

use super::{
    flow,
    state::{End, Handler, Life, Place, Process, State, Wrong},
    worlds::{Nature, World},
};

/// One ending, one row of history.
pub const ENDS_ONCE: &str = "a job ends at most once in a life and is then held by nobody";
/// What a handler does in the transaction of its ending.
pub const EFFECT_ONCE: &str = "an effect committed with its ending happens exactly once";
/// What all fencing rests on.
pub const FENCES_GROW: &str = "a fence is never handed out again and only grows";
/// A process that was struck off can do no harm to the books.
pub const LATE_IS_VOID: &str = "a result that does not come from the holder changes nothing";
/// Two that run the same job never hold the same claim.
pub const ONE_HOLDER: &str = "a job that is held is run by its holder alone under that fence";
/// See [`innocents_are_safe`].
pub const INNOCENT_IS_SAFE: &str =
    "an innocent is quarantined only if its process is killed from outside while it runs there alone";
/// What one bad job can cost.
pub const KILLER_IS_BOUNDED: &str = "a killer brings down four processes at most";
/// Else the wrong one is blamed.
pub const SUSPECTS_APART: &str = "a node holds one blamed suspect at a time and has recorded it";
/// Else a third blame proves nothing.
pub const ALONE_IS_ALONE: &str = "where a suspect is to run alone nothing else runs";
/// Who was struck off has let go of all that it held before it is back.
pub const RUNS_ITS_OWN: &str = "a node that has beaten since it slept runs only what it holds";
/// It ends cancelled, or otherwise if it was faster; it is not tried again.
pub const CANCEL_HOLDS: &str = "a job whose cancellation was accepted never waits again";
/// A job held by a node without a row would never be given back.
pub const NOTHING_LOST: &str = "whoever holds a job has a row by which it can be found";
/// Neither a pause nor a start of the database is the death of everybody.
pub const NO_FALSE_DEATH: &str = "a process that is awake all the time is never struck off";
/// Neither crashes nor snoozes add attempts.
pub const ATTEMPTS_BOUNDED: &str = "a job is not attempted more often than it may be";
/// Neither a time of a schedule nor a step of a run comes twice.
pub const ACCEPTED_ONCE: &str = "what begins by itself is put in once";
/// Whatever dies between two statements.
pub const AFTER_ITS_NEEDS: &str = "a step is put in only when all that it waits for have completed";
/// Mishaps are bounded in every world, so every job comes to its end.
pub const ALL_END: &str = "every job ends";

/// Something that a world must show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// A node was struck off.
    Rescue,
    /// A suspect runs.
    Suspect,
    /// A job is quarantined.
    Quarantine,
    /// A suspect runs alone.
    Alone,
    /// A result waits whose claim was lost without its having been written.
    LateResult,
    /// A result waits that was written, but whose answer was lost.
    WorkFoundDone,
    /// A running job is told that it was cancelled.
    CancelOfRunning,
    /// An outside effect was begun twice, and the job completed.
    SecondRun,
    /// A step that waited for two others completes.
    Join,
    /// A run stops.
    Stop,
    /// Two processes have found the same time due.
    TickRace,
}

/// Looks at one state.
type Condition = fn(&World, &State) -> bool;

/// Must hold in every state.
fn always(name: &'static str, condition: Condition) -> Property<World> {
    Property::always(name, condition)
}

/// Must hold in some state.
fn sometimes(name: &'static str, condition: Condition) -> Property<World> {
    Property::sometimes(name, condition)
}

/// All that is checked in a world.
pub fn of(world: &World) -> Vec<Property<World>> {
    let mut all = vec![
        always(ENDS_ONCE, |_, state| {
            state.jobs.iter().all(|job| {
                let ended = matches!(job.place, Place::Ended(_));
                job.record.endings == u8::from(ended) && !(ended && job.node.is_some())
            })
        }),
        always(EFFECT_ONCE, |_, state| {
            state.jobs.iter().all(|job| {
                job.record.effects == u8::from(job.record.settled) && (!job.record.settled || job.completed())
            })
        }),
        always(FENCES_GROW, |_, state| state.wrong != Some(Wrong::FenceRepeated)),
        always(LATE_IS_VOID, |_, state| state.wrong != Some(Wrong::LateResultCounted)),
        always(ONE_HOLDER, |_, state| one_holder(state)),
        always(INNOCENT_IS_SAFE, innocents_are_safe),
        always(KILLER_IS_BOUNDED, |_, state| state.jobs.iter().all(|job| job.record.brought_down <= 4)),
        always(SUSPECTS_APART, |_, state| suspects_apart(state)),
        always(ALONE_IS_ALONE, |_, state| alone_is_alone(state)),
        always(RUNS_ITS_OWN, |_, state| runs_its_own(state)),
        always(CANCEL_HOLDS, |_, state| state.jobs.iter().all(|job| !(job.waits() && job.cancel_requested))),
        always(NOTHING_LOST, |_, state| {
            let holders = state.jobs.iter().filter_map(|job| job.node);
            holders.into_iter().all(|node| state.processes[node].row.is_some())
        }),
        always(NO_FALSE_DEATH, |_, state| state.wrong != Some(Wrong::WakingStruckOff)),
        always(ATTEMPTS_BOUNDED, |world, state| {
            state.jobs.iter().all(|job| job.attempt <= world.max_attempts)
        }),
        always(ACCEPTED_ONCE, |_, state| state.jobs.iter().all(|job| job.record.accepted <= 1)),
        always(AFTER_ITS_NEEDS, |world, state| {
            let put_in = |id: &usize| state.jobs[*id].record.accepted > 0;
            let may_be = |id| world.needs(id).iter().all(|need| state.jobs[*need].completed());
            (0..state.jobs.len()).filter(put_in).all(may_be)
        }),
    ];
    // A retry by hand begins a new life; without one, all have an end.
    if world.left.retries == 0 {
        let ended =
            |_: &World, state: &State| state.jobs.iter().all(|job| matches!(job.place, Place::Ended(_)));
        all.push(Property::eventually(ALL_END, ended));
    }
    all.extend(world.shows.iter().map(|sight| sight.property()));
    all
}

/// Handlers under the current fence run in the process that holds the job, one of them at most.
fn one_holder(state: &State) -> bool {
    state.jobs.iter().enumerate().all(|(id, job)| {
        let Some(fence) = job.claim else { return job.node.is_none() };
        let runners: Vec<_> = handlers(state)
            .filter(|(_, handler)| (handler.job, handler.fence) == (id, fence))
            .map(|(node, _)| node)
            .collect();
        runners.len() <= 1 && runners.iter().all(|node| Some(*node) == job.node)
    })
}

/// All handlers with the place of their process.
fn handlers(state: &State) -> impl Iterator<Item = (usize, &Handler)> {
    let processes = state.processes.iter().enumerate();
    processes.flat_map(|(node, process)| process.handlers.iter().map(move |handler| (node, handler)))
}

/// Who brings no process down is quarantined only if, after two blames, its process was killed or silenced
/// from outside while nothing else ran there.
fn innocents_are_safe(world: &World, state: &State) -> bool {
    state.jobs.iter().zip(world.jobs).all(|(job, nature)| {
        *nature == Nature::Killer || job.place != Place::Ended(End::Quarantined) || job.record.bad_luck
    })
}

/// In the books a node holds the blamed suspect that its row names and no other.
fn suspects_apart(state: &State) -> bool {
    state.processes.iter().enumerate().all(|(node, process)| {
        let recorded = process.row.as_ref().and_then(|row| row.suspect);
        let holds = |id: usize| state.jobs[id].blames > 0 && state.jobs[id].node == Some(node);
        (0..state.jobs.len()).all(|id| holds(id) == (recorded == Some(id)))
    })
}

/// A node whose row says that a suspect is alone there runs nothing else.
fn alone_is_alone(state: &State) -> bool {
    state.processes.iter().all(|process| {
        let alone = process.row.as_ref().filter(|row| row.alone).and_then(|row| row.suspect);
        alone.is_none_or(|alone| process.running().all(|handler| handler.job == alone))
    })
}

/// No handler goes on whose claim was lost, once its process knows that it was struck off.
fn runs_its_own(state: &State) -> bool {
    let back = |process: &&Process| process.life == Life::Awake && !process.slept && process.row.is_some();
    let current = |handler: &Handler| state.jobs[handler.job].claim == Some(handler.fence);
    state.processes.iter().filter(back).all(|process| process.running().all(current))
}

impl Sight {
    /// It must be seen in some state.
    fn property(self) -> Property<World> {
        match self {
            Self::Rescue => sometimes("a node is struck off", |_, state| {
                let gone = |process: &Process| process.registered && process.row.is_none();
                state.jobs.iter().any(|job| job.suspect) || state.processes.iter().any(gone)
            }),
            Self::Suspect => sometimes("a suspect runs", |_, state| {
                state.jobs.iter().any(|job| job.suspect && job.node.is_some())
            }),
            Self::Quarantine => sometimes("a job is quarantined", |_, state| {
                state.jobs.iter().any(|job| job.place == Place::Ended(End::Quarantined))
            }),
            Self::Alone => sometimes("a suspect runs alone", |_, state| {
                state.processes.iter().any(|process| process.running().any(|handler| handler.alone))
            }),
            Self::LateResult => sometimes("a result comes too late", |_, state| {
                lost_results(state).any(|handler| !handler.unanswered)
            }),
            Self::WorkFoundDone => sometimes("a repeated write finds its work done", |_, state| {
                lost_results(state).any(|handler| handler.unanswered)
            }),
            Self::CancelOfRunning => sometimes("a cancellation meets a running job", |_, state| {
                state.jobs.iter().any(|job| job.cancel_requested && job.node.is_some())
            }),
            Self::Join => sometimes("a join completes", |world, state| {
                (0..state.jobs.len()).any(|id| world.needs(id).len() > 1 && state.jobs[id].completed())
            }),
            Self::Stop => sometimes("a run stops", |_, state| state.stopped),
            Self::TickRace => sometimes("two have found the same time due", |_, state| flow::is_raced(state)),
            Self::SecondRun => sometimes("an outside effect is begun twice", |_, state| {
                state.jobs.iter().any(|job| job.record.begun == 2 && job.completed())
            }),
        }
    }
}

/// Results that are about to be written and will be refused.
fn lost_results(state: &State) -> impl Iterator<Item = &Handler> {
    let awake = state.processes.iter().filter(|process| process.life == Life::Awake);
    awake
        .flat_map(|process| &process.handlers)
        .filter(|handler| handler.result.is_some() && state.jobs[handler.job].claim != Some(handler.fence))
}
