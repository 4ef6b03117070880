//! What it costs more to read a lead whose eight fields are encrypted than one whose are not.

use std::{hint::black_box, time::Instant};

use super::sealed::Lead;
use crate::{Outcome, table::Figures};

const WARM_UP: u32 = 10_000;
const LEADS: u32 = 200_000;

/// Microseconds of one core for each lead.
pub async fn extra() -> Outcome<Figures> {
    let lead = Lead::new().await?;
    if lead.opened().await? != lead.plain() {
        return Err("what was sealed does not open to what it was".into());
    }
    for _ in 0..WARM_UP {
        black_box(lead.opened().await?);
    }
    // Nothing in it waits, so the time is the processor's.
    let began = Instant::now();
    for _ in 0..LEADS {
        black_box(black_box(&lead).opened().await?);
    }
    let sealed = began.elapsed();
    let began = Instant::now();
    for _ in 0..LEADS {
        black_box(black_box(&lead).plain());
    }
    let plain = began.elapsed();
    let each = sealed.saturating_sub(plain).as_secs_f64() / f64::from(LEADS);
    Ok(vec![("lead_read_extra_us", each * 1e6)])
}
