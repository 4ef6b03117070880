//! Whether a caller may do something, asked in memory.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use domain::{Ctx, access::permission::Permission};

use super::{house::House, percentile};
use crate::{Outcome, table::Figures};

/// How often every permission is asked for in a batch, and how many batches there are.
const TIMES: u32 = 2_000;
const BATCHES: usize = 101;

/// Nanoseconds of one check, the median of the batches.
pub async fn cost() -> Outcome<Figures> {
    let house = House::open().await?;
    let token = house.login().await?.token;
    let mut ctx = house.gate.admit(&token, None).await?;
    // Every other one is held, so that both answers are given.
    ctx.grants = Permission::ALL.iter().copied().step_by(2).collect();
    let mut batches: Vec<Duration> = (0..BATCHES).map(|_| batch(&ctx)).collect();
    house.close().await?;
    let checks = TIMES * u32::try_from(Permission::ALL.len())?;
    let one = percentile(&mut batches, 50) / f64::from(checks);
    Ok(vec![("permission_check_ns", one * 1e9)])
}

fn batch(ctx: &Ctx) -> Duration {
    let began = Instant::now();
    for _ in 0..TIMES {
        for permission in Permission::ALL {
            let held = black_box(ctx).require(black_box(*permission)).is_ok();
            black_box(held);
        }
    }
    began.elapsed()
}
