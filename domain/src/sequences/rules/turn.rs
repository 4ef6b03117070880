//! What becomes of the step that is due, pure.

use super::{
    conditions::{Facts, first},
    definition::{SequenceDefinition, SequenceStep},
};

/// What is to be done with a lead whose step is due.
#[derive(Debug, PartialEq, Eq)]
pub enum Turn<'d> {
    /// It has come to what the sequence is for.
    Goal(&'static str),
    /// It leaves.
    Leave(&'static str),
    /// The step is left out.
    Skip(&'static str),
    /// It is written to.
    Send(&'d SequenceStep),
    /// There is no such step: the sequence is over.
    Over,
}

/// Decides by what is known. Goals come first, then leaving, then leaving out.
#[must_use]
pub fn turn<'d>(definition: &'d SequenceDefinition, position: usize, facts: &Facts) -> Turn<'d> {
    let Some(step) = definition.steps.get(position) else { return Turn::Over };
    if let Some(why) = first(&definition.goals, facts) {
        return Turn::Goal(why);
    }
    if let Some(why) = first(&step.leave_if, facts) {
        return Turn::Leave(why);
    }
    match first(&step.skip_if, facts) {
        Some(why) => Turn::Skip(why),
        None => Turn::Send(step),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn goals_come_before_leaving_and_that_before_leaving_out() {
        let definition: SequenceDefinition = serde_json::from_value(json!({
            "steps": [
                {"template": "a", "skip_if": [{"kind": "replied"}, {"kind": "opted_out"}]},
                {"template": "b", "skip_if": [{"kind": "opted_out"}], "leave_if": [{"kind": "replied"}]},
            ],
            "goals": [{"kind": "converted"}],
        }))
        .expect("a definition");
        let facts =
            |replied, converted, opted_out| Facts { replied, converted, opted_out, ..Facts::default() };
        let [first, second] = [&definition.steps[0], &definition.steps[1]];
        for (position, facts, wanted) in [
            (0, facts(false, false, false), Turn::Send(first)),
            (0, facts(true, false, true), Turn::Skip("replied")),
            (0, facts(false, false, true), Turn::Skip("opted_out")),
            (1, facts(false, false, false), Turn::Send(second)),
            (1, facts(true, false, true), Turn::Leave("replied")),
            (1, facts(false, false, true), Turn::Skip("opted_out")),
            (1, facts(true, true, true), Turn::Goal("converted")),
            (2, facts(true, true, true), Turn::Over),
        ] {
            assert_eq!(turn(&definition, position, &facts), wanted, "{position} {facts:?}");
        }
    }
}
