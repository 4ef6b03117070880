//! `./x bench engine`: the table of what must be true of the engine's speed.

pub mod limit;
pub mod rig;
pub mod rival;

/// About a hundred bytes, as a job's arguments are.
pub fn payload() -> serde_json::Value {
    serde_json::json!({"lead": "0192e4a0-5b7c-7d5e-9f00-3a6b8c9d0e1f", "campaign": "0192e4a0-5b7c-7d5e-9f00-aaaaaaaaaaaa", "step": 1})
}
