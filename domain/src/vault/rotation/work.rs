//! The workflow of a rotation, and the job of its steps.

use engine::JobKind;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Phase, What};

/// Shared with operators' work.
const QUEUE: &str = "operations";
/// A rotation is not given up because the database or a key service was away.
const PATIENT: i16 = 1_000;

/// What the jobs of a rotation are found by.
#[must_use]
pub fn business_key(rotation: Uuid) -> String {
    format!("key_rotation:{rotation}")
}

/// The workflow that carries a rotation on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct RotateKeys {
    pub rotation: Uuid,
    pub what: What,
}

impl JobKind for RotateKeys {
    const KIND: &'static str = "rotate_keys";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
    const WATCHED: bool = true;
}

/// A step: carries the rotation on until it is past a phase.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct TurnKeys {
    pub rotation: Uuid,
    pub phase: Phase,
}

impl JobKind for TurnKeys {
    const KIND: &'static str = "turn_keys";
    const QUEUE: &'static str = QUEUE;
    const MAX_ATTEMPTS: i16 = PATIENT;
}
