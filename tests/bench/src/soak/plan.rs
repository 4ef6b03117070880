//! What is done, and how often: a call centre of two tenants, in miniature. What begins, begins by this timetable and by nothing
//! else; whether the server keeps up changes none of it.

use std::time::Duration;

use futures::future::BoxFuture;
use tokio::time::Instant;

use super::{acts, files, shift::Shift, telephone};

/// One time that something is done.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// From 0; the tenants take turns.
    pub number: u32,
    /// When it was to begin, whenever it did.
    pub due: Instant,
}

/// Does it; none if it broke off, which is written down by then.
pub type Act = for<'s> fn(&'s Shift, Turn) -> BoxFuture<'s, Option<()>>;

/// Something that is done again and again.
#[derive(Clone, Copy)]
pub struct Line {
    per_minute: f64,
    /// Which part of a step it begins after, so that lines do not all begin at once.
    phase: f64,
    pub act: Act,
}

/// The most often that anything is done, as times of what is said below.
pub const MOST: f64 = 100.0;
/// Numbers below one that lie far apart: multiples of it without what stands before the point.
const GOLDEN: f64 = 0.618_033_988_75;

macro_rules! act {
    ($($path:tt)*) => { |shift, turn| Box::pin($($path)*(shift, turn)) };
}

/// Everything that is done, at `rate` times what a quiet afternoon has.
pub fn lines(rate: f64) -> Vec<Line> {
    let acts: [(f64, Act); 13] = [
        (90.0, act!(acts::come)),
        (4.0, act!(acts::import)),
        (60.0, act!(telephone::call)),
        (180.0, act!(acts::write)),
        (24.0, act!(acts::reply)),
        (360.0, act!(acts::delivered)),
        (2.0, act!(acts::campaign)),
        (90.0, act!(acts::search)),
        (120.0, act!(acts::list)),
        (40.0, act!(acts::figures)),
        (6.0, act!(files::report)),
        (3.0, act!(files::export)),
        (40.0, act!(acts::page)),
    ];
    let mut phase = 0.0_f64;
    let mut lines = Vec::new();
    for (per_minute, act) in acts {
        phase = (phase + GOLDEN).fract();
        lines.push(Line { per_minute: per_minute * rate, phase, act });
    }
    lines
}

impl Line {
    /// How long after the beginning a turn is due.
    pub fn due(&self, number: u32) -> Duration {
        Duration::from_secs_f64((f64::from(number) + self.phase) * 60.0 / self.per_minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_at_a_fixed_rate_and_lines_begin_apart() {
        let (one, two) = (lines(1.0), lines(2.0));
        for (slow, fast) in one.iter().zip(&two) {
            let step = slow.due(8).as_secs_f64() - slow.due(7).as_secs_f64();
            assert!((step - 60.0 / slow.per_minute).abs() < 1e-6);
            assert!(fast.due(100) < slow.due(100) && slow.due(0).as_secs_f64() < step);
        }
        let mut phases: Vec<f64> = one.iter().map(|line| line.phase).collect();
        phases.sort_by(f64::total_cmp);
        assert!(phases.windows(2).all(|pair| pair[1] - pair[0] > 0.02), "{phases:?}");
    }
}
