//! How much there would be to go through.

use serde_json::Value;

use super::MAX_LOOPS;

/// Items of all lists together.
pub(super) fn items(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.len() + list.iter().map(items).sum::<usize>(),
        Value::Object(fields) => fields.values().map(items).sum(),
        _ => 0,
    }
}

/// The most that can be gone through, if every loop is over the longest list.
pub(super) fn steps(elements: &[usize; MAX_LOOPS + 1], longest: usize) -> usize {
    let mut turns: usize = 1;
    let mut steps: usize = 0;
    for count in elements {
        steps = steps.saturating_add(count.saturating_mul(turns));
        turns = turns.saturating_mul(longest);
    }
    steps
}

/// The length of the longest list; fields are gone through like one.
pub(super) fn longest(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(longest).fold(list.len(), usize::max),
        Value::Object(fields) => fields.values().map(longest).fold(fields.len(), usize::max),
        _ => 0,
    }
}
