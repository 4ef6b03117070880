//! What is learned from, kept small: cells of leads with their outcomes. Pure.

use std::collections::HashMap;

use crate::scoring::traits::Cell;

/// Names of cells that are told apart; leads with more than those lose the ones that come later.
const MOST_NAMES: usize = 500;
/// Words that are told apart; those beyond count as words that too few leads share.
const MOST_WORDS: usize = 100_000;
/// The word for what too few leads share.
pub(super) const OTHER: u32 = 0;

/// A cell as it is kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kept {
    Number(f32),
    Word(u32),
}

/// Leads whose outcome is known.
#[derive(Debug)]
pub struct Table {
    names: Vec<String>,
    by_name: HashMap<String, u16>,
    words: Vec<String>,
    by_word: HashMap<String, u32>,
    cells: Vec<(u16, Kept)>,
    /// Where each lead's cells begin; one more at the end.
    starts: Vec<usize>,
    outcomes: Vec<bool>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            names: Vec::new(),
            by_name: HashMap::new(),
            words: vec![String::new()],
            by_word: HashMap::from([(String::new(), OTHER)]),
            cells: Vec::new(),
            starts: vec![0],
            outcomes: Vec::new(),
        }
    }
}

impl Table {
    /// Adds a lead.
    pub fn push(&mut self, converted: bool, cells: &[(String, Cell)]) {
        for (name, cell) in cells {
            let Some(name) = self.name(name) else { continue };
            let kept = match cell {
                Cell::Number(number) => Kept::Number(*number),
                Cell::Word(word) => Kept::Word(self.word(word)),
            };
            self.cells.push((name, kept));
        }
        self.starts.push(self.cells.len());
        self.outcomes.push(converted);
    }

    /// Leads in it.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether each lead has converted, in the order they were added.
    #[must_use]
    pub fn outcomes(&self) -> &[bool] {
        &self.outcomes
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn text(&self, word: u32) -> &str {
        usize::try_from(word).ok().and_then(|at| self.words.get(at)).map_or("", String::as_str)
    }

    pub(super) fn cells(&self, row: usize) -> &[(u16, Kept)] {
        &self.cells[self.starts[row]..self.starts[row + 1]]
    }

    fn name(&mut self, name: &str) -> Option<u16> {
        if let Some(known) = self.by_name.get(name) {
            return Some(*known);
        }
        let next = u16::try_from(self.names.len()).ok().filter(|next| usize::from(*next) < MOST_NAMES)?;
        self.names.push(name.to_owned());
        self.by_name.insert(name.to_owned(), next);
        Some(next)
    }

    fn word(&mut self, word: &str) -> u32 {
        if let Some(known) = self.by_word.get(word) {
            return *known;
        }
        let next = u32::try_from(self.words.len()).unwrap_or(OTHER);
        if self.words.len() >= MOST_WORDS {
            return OTHER;
        }
        self.words.push(word.to_owned());
        self.by_word.insert(word.to_owned(), next);
        next
    }
}
