//! `./x bench engine`: what must be true of the engine's speed, as ratios within one run.

mod enqueue;
mod fair;
mod idle;
mod limit;
mod pickup;
mod rig;
mod rival;
mod run;
mod shared;
mod table;

pub use pickup::worker;
pub use table::{Args, report};

/// About a hundred bytes, as a job's arguments are.
fn payload() -> serde_json::Value {
    serde_json::json!({
        "lead": "0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f",
        "campaign": "0192e4a0-5b7c-7d5e-9f00-aaaaaaaaaaaa",
        "step": 1
    })
}
