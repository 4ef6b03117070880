//! A run's graph as it is drawn: each step in a box with its state, by shape, word and colour.

use engine::workflows::{StepView, Why};

use super::{
    graph,
    standing::{state, waits},
};
use crate::dashboard::ui;

/// Letters of a name that have room in a box.
const LETTERS: usize = 18;

/// A box of the graph.
pub struct StepBox {
    pub x: i32,
    pub y: i32,
    pub name: String,
    /// Its name as far as there is room.
    pub cut: String,
    pub word: String,
    pub shape: &'static str,
    pub title: String,
    /// Whether it goes on.
    pub open: bool,
}

/// A line of the graph.
pub struct Line {
    pub path: String,
    /// Only if a step ended so.
    pub maybe: bool,
}

/// The graph.
pub struct Picture {
    pub width: i32,
    pub height: i32,
    pub boxes: Vec<StepBox>,
    pub lines: Vec<Line>,
}

/// Draws the steps of a run.
pub fn picture(steps: &[(StepView, Option<Why>)]) -> Picture {
    let place = |name: &String| steps.iter().position(|(step, _)| step.name == *name);
    let after: Vec<Vec<usize>> = steps
        .iter()
        .map(|(step, _)| {
            let mut after: Vec<usize> = step.needs.iter().chain(&step.only_step).filter_map(place).collect();
            after.sort_unstable();
            after.dedup();
            after
        })
        .collect();
    let drawn = graph::graph(&after);
    let only = |from: usize, to: usize| {
        let only = steps.get(to).and_then(|(step, _)| step.only_step.as_ref());
        only.is_some() && only == steps.get(from).map(|(step, _)| &step.name)
    };
    let lines = drawn.lines.into_iter().map(|line| Line { maybe: only(line.from, line.to), path: line.path });
    let boxes = steps.iter().zip(drawn.boxes).map(|((step, why), (x, y))| {
        let (word, like) = state(step, why.as_ref());
        let why = why.as_ref().map(|why| waits(why, step.queue.as_deref()).text);
        let title = match &why {
            Some(why) => format!("{}: {word}; {why}", step.name),
            None => format!("{}: {word}", step.name),
        };
        StepBox {
            x,
            y,
            name: step.name.clone(),
            cut: cut(&step.name),
            word,
            shape: ui::shape(&like),
            title,
            open: matches!(step.state.as_str(), "started" | "sleeping"),
        }
    });
    Picture { width: drawn.width, height: drawn.height, boxes: boxes.collect(), lines: lines.collect() }
}

fn cut(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let mut short: String = name.chars().take(LETTERS - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::{super::standing::tests::step, *};

    #[test]
    fn a_condition_is_a_line_of_its_own_kind() {
        let mut follow_up = step("follow_up", &["reply"], "waiting");
        follow_up.only_step = Some("reply".into());
        let steps = [
            (step("score", &[], "completed"), None),
            (step("reply", &["score"], "sleeping"), None),
            (follow_up, None),
        ];
        let picture = picture(&steps);
        assert_eq!(picture.lines.iter().map(|line| line.maybe).collect::<Vec<_>>(), [false, true]);
        assert_eq!(picture.boxes.iter().map(|one| one.shape).collect::<Vec<_>>(), ["good", "waits", "waits"]);
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = cut("a_name_that_is_too_long");
        assert_eq!((cut("short").as_str(), long.as_str()), ("short", "a_name_that_is_to…"));
    }
}
