//! Begins everything when the timetable says. The loop is open: a turn begins when it is due, whether those before it were
//! answered or not, and is timed from when it was due, so that a server that stands still makes everything slow that was to be
//! done meanwhile, and not only what it had begun.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    plan::{self, Line, Turn},
    shift::Shift,
};
use crate::Outcome;

/// Answers when all is done that was to begin within `span`.
pub async fn drive(shift: &Arc<Shift>, began: Instant, span: Duration, rate: f64) -> Outcome<()> {
    let mut lines = JoinSet::new();
    for line in plan::lines(rate) {
        lines.spawn(follow(Arc::clone(shift), line, began, span));
    }
    while let Some(done) = lines.join_next().await {
        done??;
    }
    Ok(())
}

async fn follow(shift: Arc<Shift>, line: Line, began: Instant, span: Duration) -> Outcome<()> {
    let mut turns = JoinSet::new();
    let due = |number: u32| Some(line.due(number)).filter(|after| *after < span);
    for number in 0.. {
        let Some(after) = due(number) else { break };
        let turn = Turn { number, due: began + after };
        sleep_until(turn.due).await;
        let shift = Arc::clone(&shift);
        turns.spawn(async move { (line.act)(&shift, turn).await });
        while let Some(done) = turns.try_join_next() {
            done?;
        }
    }
    while let Some(done) = turns.join_next().await {
        done?;
    }
    Ok(())
}
