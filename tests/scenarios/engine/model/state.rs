//! What there is: jobs and nodes in the database, processes beside it.

/// The place of a job or a process in its list. A process that starts takes a new place, so the place
/// is the node's fresh id.
pub type Id = usize;

/// A row of the live table or of history, with counts that only the checks read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Job {
    pub place: Place,
    pub node: Option<Id>,
    pub claim: Option<u8>,
    pub attempt: u8,
    /// It waits in the isolated lane. If it was blamed, it runs apart from others that were.
    pub suspect: bool,
    pub blames: u8,
    pub cancel_requested: bool,
    /// Steps before it that have not ended.
    pub waits: u8,
    pub record: Record,
}

/// What happened to a job in this life; an operator's retry begins a new one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Record {
    /// How often it was put in; two stands for more.
    pub accepted: u8,
    /// How often it ended.
    pub endings: u8,
    /// How often its effect was committed in one transaction with its ending.
    pub effects: u8,
    /// It ended by such a transaction.
    pub settled: bool,
    /// How often its outside effect was begun; two stands for more.
    pub begun: u8,
    /// It had been blamed twice, and its process was killed or silenced from outside while it was the only
    /// one there.
    pub bad_luck: bool,
    /// How many processes it brought down.
    pub brought_down: u8,
}

/// Where a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Not accepted yet.
    Nowhere,
    /// In the live table: waiting if it has no node, else held.
    Live,
    /// In history.
    Ended(End),
}

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    Completed,
    Cancelled,
    Discarded,
    Quarantined,
}

/// What a handler says of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Done,
    Retry,
    Snooze,
    Discard,
    /// It heeded a cancellation or was cut off for it.
    Cancel,
    /// Handed back unrun.
    Release,
}

/// How many queues there are at most. Each has a dispatcher of its own in every process.
pub const QUEUES: usize = 2;

/// One incarnation of a process, and its row among the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Process {
    pub life: Life,
    pub row: Option<Row>,
    /// It had a row once.
    pub registered: bool,
    pub handlers: Vec<Handler>,
    pub lines: [Line; QUEUES],
    /// It slept and has not beaten since.
    pub slept: bool,
    /// The time of the schedule that its ticker found due and has not dealt with.
    pub seen: Option<Id>,
    /// What it still has to put in; only a broken protocol leaves something here.
    pub owes: Option<Id>,
    /// The jobs that ran in it when it died; only the checks read this.
    pub ran: Vec<Id>,
}

/// Whether a process runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Life {
    #[default]
    Awake,
    /// Stopped: it does nothing and forgets nothing.
    Asleep,
    /// Its memory is gone. The job that brought it down, or none if the cause came from outside.
    Dead(Option<Id>),
}

/// The connection of a dispatcher, and what it knows of its claims.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Line {
    /// The newest claim whose answer came.
    pub fence: u8,
    /// The connection broke, or the node was struck off: it disowns before it claims again. Whether the
    /// claim that was under way asked for a suspect alone.
    pub unsure: Option<bool>,
    /// A claim on a connection that broke, which the database has not read yet; whether it is for a
    /// suspect alone.
    pub unread: Option<bool>,
    /// The answer of a claim on its way.
    pub coming: Vec<Handler>,
}

/// A row of the nodes' table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent, as the columns of the row are")]
pub struct Row {
    /// How often it has beaten since its row was made; two stands for more.
    pub beats: u8,
    /// It has not beaten for 10 s.
    pub silent: bool,
    /// It has beaten since the database started.
    pub since_start: bool,
    /// Its own last gap ended 10 s ago or never was: by now every other that lives has beaten.
    pub steady: bool,
    /// The suspect that it runs, if that was blamed, and whether it runs nothing else meanwhile.
    pub suspect: Option<Id>,
    pub alone: bool,
    /// By queue: a claim on an older connection is void.
    pub voids: [bool; QUEUES],
}

impl Row {
    /// As it is made.
    pub const NEW: Self = Self {
        beats: 0,
        silent: false,
        since_start: true,
        steady: true,
        suspect: None,
        alone: false,
        voids: [true; QUEUES],
    };
}

/// A handler in the memory of a process, from the answer of its claim until its result is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "each says something of its own")]
pub struct Handler {
    pub job: Id,
    pub fence: u8,
    /// It was claimed to run alone.
    pub alone: bool,
    /// This is the last attempt.
    pub last: bool,
    /// It has ended its job in a transaction that is still open: the job's row is locked.
    pub settling: bool,
    /// What is to be written; none while it runs.
    pub result: Option<Outcome>,
    /// The result was written once, but the answer was lost.
    pub unanswered: bool,
}

/// A wrong that shows only in the step that does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// A result counted that did not come from the holder of the claim.
    LateResultCounted,
    /// A fence was handed out that is not greater than all before.
    FenceRepeated,
    /// A process was struck off that was awake all the time.
    WakingStruckOff,
}

/// How often each mishap and each act of an operator may still happen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Left {
    pub starts: u8,
    pub kills: u8,
    pub sleeps: u8,
    pub lost_answers: u8,
    /// Connections that break under a claim which the database reads later, or never.
    pub late_claims: u8,
    pub cancels: u8,
    pub retries: u8,
    pub discards: u8,
    pub snoozes: u8,
    pub drains: u8,
    pub database_starts: u8,
    /// Times in which the database does not answer for more than 10 s, without being started again.
    pub database_stalls: u8,
}

/// Everything at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    pub jobs: Vec<Job>,
    pub processes: Vec<Process>,
    /// The highest fence that was handed out.
    pub fence: u8,
    /// How many times of the schedule have come, and which the schedule is at. Each is a job.
    pub due: usize,
    pub next: usize,
    /// The run is being stopped.
    pub stopped: bool,
    pub left: Left,
    pub wrong: Option<Wrong>,
}

impl Job {
    /// Before it is accepted.
    pub fn new() -> Self {
        Self {
            place: Place::Nowhere,
            node: None,
            claim: None,
            attempt: 0,
            suspect: false,
            blames: 0,
            cancel_requested: false,
            waits: 0,
            record: Record::default(),
        }
    }

    /// In its lane, to be claimed.
    pub fn waits(&self) -> bool {
        self.place == Place::Live && self.node.is_none()
    }

    /// Whether it ended well.
    pub fn completed(&self) -> bool {
        self.place == Place::Ended(End::Completed)
    }

    /// Out of the live table, into history.
    pub fn end(&mut self, end: End) {
        self.place = Place::Ended(end);
        (self.node, self.claim) = (None, None);
        self.record.endings += 1;
    }
}

impl Process {
    /// Its end: all that it remembered is gone. What it sent may still arrive.
    pub fn die(&mut self, brought_down_by: Option<Id>) {
        self.life = Life::Dead(brought_down_by);
        self.ran = self.running().map(|handler| handler.job).collect();
        self.handlers.clear();
        for line in &mut self.lines {
            *line = Line { unread: line.unread, ..Line::default() };
        }
        self.slept = false;
        (self.seen, self.owes) = (None, None);
    }

    /// The handlers that have not ended.
    pub fn running(&self) -> impl Iterator<Item = &Handler> {
        self.handlers.iter().filter(|handler| handler.result.is_none())
    }
}

impl State {
    /// Forgets processes that nobody can ask after any more, and counts fences anew: only their order
    /// means something.
    pub fn tidy(&mut self) {
        for gone in (0..self.processes.len()).rev() {
            let process = &self.processes[gone];
            let held = self.jobs.iter().any(|job| job.node == Some(gone));
            if matches!(process.life, Life::Dead(_)) && process.row.is_none() && !held {
                self.processes.remove(gone);
                for node in self.jobs.iter_mut().filter_map(|job| job.node.as_mut()) {
                    *node -= usize::from(*node > gone);
                }
            }
        }
        let mut known = vec![0];
        self.each_fence(|fence| known.push(*fence));
        known.sort_unstable();
        known.dedup();
        self.each_fence(|fence| {
            let rank = known.binary_search(fence).unwrap_or_default();
            *fence = u8::try_from(rank).unwrap_or(u8::MAX);
        });
        self.fence = u8::try_from(known.len() - 1).unwrap_or(u8::MAX);
    }

    fn each_fence(&mut self, mut look: impl FnMut(&mut u8)) {
        self.jobs.iter_mut().filter_map(|job| job.claim.as_mut()).for_each(&mut look);
        for process in &mut self.processes {
            process.handlers.iter_mut().for_each(|handler| look(&mut handler.fence));
            for line in &mut process.lines {
                look(&mut line.fence);
                line.coming.iter_mut().for_each(|handler| look(&mut handler.fence));
            }
        }
    }
}
