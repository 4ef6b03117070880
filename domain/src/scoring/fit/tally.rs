//! What the training part says of one feature, lead by lead. Pure.

use std::collections::HashMap;

use super::{real, table::Kept};

/// Of ten leads that have a feature so many must have a number, so that it counts as one.
const NUMBERS_OF_TEN: usize = 9;

/// What the training part says of one feature.
#[derive(Default)]
pub(super) struct Tally {
    pub present: usize,
    pub words: HashMap<u32, usize>,
    pub numbers: usize,
    pub mean: f64,
    /// The sum of squared distances from the mean (Welford 1962).
    pub squares: f64,
}

impl Tally {
    /// Takes what one lead has of it.
    pub fn add(&mut self, kept: Kept) {
        self.present += 1;
        match kept {
            Kept::Word(word) => *self.words.entry(word).or_default() += 1,
            Kept::Number(number) => {
                let number = f64::from(number);
                self.numbers += 1;
                let before = number - self.mean;
                self.mean += before / real(self.numbers);
                self.squares += before * (number - self.mean);
            }
        }
    }

    /// Whether nine of ten values are numbers: then it is one column, else it has words.
    pub fn is_number(&self) -> bool {
        self.numbers * 10 >= self.present * NUMBERS_OF_TEN
    }
}
