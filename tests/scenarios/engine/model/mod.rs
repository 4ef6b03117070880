//! A model of the engine's protocol, checked in full: every order of steps that a few processes, jobs
//! and mishaps can take. Each function of the database is one step; what a process does between two of
//! them is a step of its own, so that a crash falls between any two statements.
//!
//! Modelled are: claims with their fences, also those whose answer is late or lost or that are read after
//! their connection broke, and how they are disowned; ends, also in the transaction of an effect that
//! stays open; beats, silence, gaps of one's own and starts of the database; who leads and rescues; how
//! suspects are run apart, blamed, run alone and quarantined; cancel, retry and discard; nodes that
//! drain, sleep, are struck off and come back, are killed, or are brought down by what they run; the times
//! of a schedule, which several processes look for, and the steps of a run, which are put in when those
//! before them have ended, and stop with the first that ends badly.
//!
//! An end and a claim in one statement are two steps here, between which anything may come; that they are one, with one
//! answer, takes orders away and adds none.
//!
//! Assumed is, of time:
//! - a process that neither sleeps nor dies beats before 10 s are over, and within 10 s after a start or a
//!   standstill of the database, and between two beats of one process every other that is awake beats once;
//! - a process that sleeps with a transaction open goes on, or the database ends the transaction.
//!
//! And of processes: a handler that is cut off stops, and a killer brings down every process that runs it
//! for long enough, by whatever way. A job counts as running from its claim until its end is written, for
//! the database cannot know better: an innocent that had ended alone, or whose claim was not heard of yet,
//! may be quarantined for a kill from outside.
//!
//! Not modelled are: lanes, priorities, limits, pauses, positions and hints, that is, in which order jobs
//! are found; deadlines, timeouts and uniqueness keys; misfires, signals and steps that are skipped, go on
//! or begin again; the log; locks held for less than a statement, for
//! whoever meets one waits or looks again; and more of anything than the worlds say. A process that
//! beats but does nothing else is taken for alive, and may lead.
//!
//! Two things make the worlds smaller without leaving anything out: a dead process is forgotten once
//! nothing names it, and fences are counted anew after each step, for only their order means something.

mod broken;
mod checks;
mod counterexamples;
mod database;
mod flow;
mod offers;
mod process;
mod properties;
mod rescue;
mod state;
mod steps;
mod worlds;
