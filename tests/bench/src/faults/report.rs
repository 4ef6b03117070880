//! Runs the faults and says what broke.

use std::{collections::BTreeMap, future::Future, pin::Pin};

use serde::Serialize;

use super::{
    abort, books::Judged, campaign, clock, cut, kill, live, onboard, restart, rotation, send, stop, terminate,
};
use crate::Outcome;

/// How the faults are asked for.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// As often as it takes to be believed: 200 kills, 50 restarts, 100 terminations.
    #[arg(long)]
    long: bool,
    /// The seed of an earlier run, to see the same again.
    #[arg(long)]
    seed: Option<u64>,
    /// The last line is one JSON object.
    #[arg(long)]
    json: bool,
    /// Only this fault.
    #[arg(long)]
    only: Option<String>,
}

/// How a fault is to be run.
#[derive(Clone, Copy)]
pub struct Wish {
    pub long: bool,
    pub seed: u64,
}

/// With fewer jobs under way a fault shows nothing.
const FEWEST: usize = 200;

/// What became of one fault.
#[derive(Debug, Default, Serialize)]
pub struct Finding {
    /// How often it was done.
    pub runs: usize,
    pub lost: usize,
    pub doubled: usize,
    pub early: usize,
    /// The longest time until what was disturbed went on, in seconds.
    pub recovered_s_max: f64,
    /// Jobs under way.
    pub jobs: usize,
    pub begun_again: usize,
    /// Messages that were cut off on their way, and are listed as such.
    #[serde(skip_serializing_if = "is_zero")]
    pub unknown: usize,
    /// What took longer than it may, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub late: Vec<String>,
    /// What else did not hold.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub broken: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde wants it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Finding {
    pub fn of(runs: usize, judged: &Judged) -> Self {
        let &Judged { lost, doubled, early, begun_again, .. } = judged;
        let jobs = judged.waits.len();
        let mut finding = Self { runs, lost, doubled, early, jobs, begun_again, ..Self::default() };
        finding.holds(jobs >= FEWEST, || format!("only {jobs} jobs were under way"));
        finding
    }

    /// Notes the time of recovery and what it may be at most.
    pub fn recovered(&mut self, seconds: f64, most: f64) {
        self.recovered_s_max = seconds;
        if seconds > most {
            self.late.push(format!("it took {seconds:.1} s to go on, not {most}"));
        }
    }

    /// Notes a sentence where something does not hold.
    pub fn holds(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.broken.push(otherwise());
        }
    }

    fn faults(&self) -> usize {
        self.lost + self.doubled + self.early + self.late.len() + self.broken.len()
    }
}

type Fault = fn(Wish) -> Pin<Box<dyn Future<Output = Outcome<Finding>>>>;

macro_rules! fault {
    ($($path:tt)*) => { |wish| Box::pin($($path)*(wish)) };
}

/// The faults by name.
const FAULTS: [(&str, &str, Fault); 12] = [
    ("kill", "kill -9 of a random worker process", fault!(kill::run)),
    ("stop", "a process stopped for 20 s, then continued", fault!(stop::run)),
    ("restart", "Postgres stopped at once and started again", fault!(restart::run)),
    ("terminate", "connections terminated at random, listeners first", fault!(terminate::run)),
    ("abort", "a job that brings its process down", fault!(abort::run)),
    ("drain", "SIGTERM under load", fault!(cut::run)),
    ("clock", "one process's clock ten minutes off, either way", fault!(clock::run)),
    ("onboard", "kill -9 of product workers while leads are onboarded", fault!(onboard::run)),
    ("sends", "kill -9 of product workers while providers fail", fault!(send::run)),
    ("rotation", "kill -9 of product workers while keys are replaced", fault!(rotation::run)),
    ("live", "kill -9 of notifiers while clients drop and come back", fault!(live::run)),
    ("campaign", "kill -9 and restarts of Postgres under a campaign", fault!(campaign::run)),
];

/// Runs and prints.
pub async fn report(args: Args) -> Outcome<()> {
    let seed = args.seed.unwrap_or_else(|| fastrand::u64(..));
    eprintln!("seed {seed}");
    let mut findings: BTreeMap<&str, Finding> = BTreeMap::new();
    for (name, words, fault) in FAULTS {
        if args.only.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let finding =
            fault(Wish { long: args.long, seed }).await.map_err(|error| format!("{name}: {error}"))?;
        println!(
            "{words:<52} {:>4} times, {:>6} jobs: lost {}, doubled {}, early {}; went on after {:.1} s",
            finding.runs, finding.jobs, finding.lost, finding.doubled, finding.early, finding.recovered_s_max
        );
        if finding.unknown > 0 {
            println!("    {} messages were cut off on their way and are listed as unknown", finding.unknown);
        }
        for broken in finding.late.iter().chain(&finding.broken) {
            println!("    {broken}");
        }
        findings.insert(name, finding);
    }
    if findings.is_empty() {
        let names: Vec<_> = FAULTS.iter().map(|(name, _, _)| *name).collect();
        return Err(format!("there is no such fault; there are {}", names.join(", ")).into());
    }
    let broken: usize = findings.values().map(Finding::faults).sum();
    if args.json {
        let mut all = serde_json::to_value(&findings)?;
        all["broken"] = broken.into();
        all["seed"] = seed.into();
        println!("{all}");
    }
    if broken > 0 { Err(format!("{broken} things did not hold; seed {seed}").into()) } else { Ok(()) }
}
