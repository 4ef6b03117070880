//! `./x bench access`: what it costs to know who asks, and how the door bears those who guess and those who dawdle.

mod admit;
mod chain;
mod check;
mod dribble;
pub mod house;
mod login;

use std::time::Duration;

use crate::{
    Outcome,
    table::{
        self, Args,
        Bar::{self, Between, Most},
        Row, measure,
    },
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    vec![
        (measure!(check::cost), vec![("permission_check_ns", Most(1_000.0))]),
        (
            measure!(admit::cost),
            vec![
                ("authenticate_cached_us", Most(50.0)),
                ("authenticate_known_user_us", Bar::None),
                ("authenticate_cold_us", Most(150.0)),
            ],
        ),
        (
            measure!(login::times),
            vec![
                ("login_known_ms", Bar::None),
                ("login_unknown_ms", Bar::None),
                ("login_known_slower", Between(0.4, 0.6)),
            ],
        ),
        (measure!(chain::verified), vec![("seal_chain_s", Bar::None), ("verify_chain_s", Most(10.0))]),
        (
            measure!(dribble::held),
            vec![
                ("dribble_closed_s", Most(15.0)),
                ("dribble_p99_ms_before", Bar::None),
                ("dribble_p99_ms_during", Bar::None),
                ("dribble_p99_vs_before", Most(2.0)),
            ],
        ),
    ]
}

/// What so many in a hundred take at most, in seconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64()
}
