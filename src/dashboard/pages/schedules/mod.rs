//! What begins by itself: when it comes next, what became of its times.
//!
//! - [`list`] all of them; [`one`] one, with its coming and past times
//! - [`steer`] run now, pause, go on

pub mod list;
pub mod one;
pub mod steer;

use domain::{
    Ctx,
    access::permission::Permission,
    schedules::{may_begin, standing},
};
use engine::schedules::{Tick, View, When};

use crate::dashboard::viewer::Viewer;

/// What a viewer may do with a schedule as it stands.
struct May {
    run: bool,
    pause: bool,
    resume: bool,
}

impl May {
    fn of(viewer: &Viewer, ctx: &Ctx, view: &View) -> Self {
        let begins = may_begin(ctx, view);
        let steers = begins && viewer.may(Permission::SchedulesPause);
        Self {
            run: begins && viewer.may(Permission::SchedulesRun),
            pause: steers && standing(view) == "active",
            resume: steers && standing(view) == "paused",
        }
    }
}

/// When it comes, as it was written.
fn when(view: &View) -> String {
    match &view.when {
        When::Crontab(crontab) => crontab.clone(),
        When::Once(at) => format!("once, {}", at.format("%Y-%m-%d %H:%M:%S UTC")),
    }
}

/// What became of a time, in words, and the state whose shape it has.
fn outcome(tick: &Tick) -> (&'static str, &'static str) {
    match tick.outcome.as_str() {
        "started" => ("began", "completed"),
        "by_hand" => ("began by hand", "completed"),
        "skipped" => ("left out, for the run before went on", "skipped"),
        "buffered" => ("waits for the end of the run before", "waiting"),
        "missed" => ("missed, for nobody was there in time", "late"),
        _ => ("unknown", "unknown"),
    }
}
