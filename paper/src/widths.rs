//! How wide columns are. Typst could find out, by setting each cell twice; for thousands of rows that is most of the time.

use std::sync::LazyLock;

use typst::layout::{Abs, Em};
use typst::text::{FontVariant, FontVariations};

use crate::world::FONTS;

/// Points between the text of a cell and the next column, both sides together.
const AROUND: f64 = 12.0;
/// No column asks for more than this.
const WIDEST: f64 = 190.0;
/// A part that cannot be broken is given this at most.
const WIDEST_PART: f64 = 110.0;

/// What a column asks for, in points at the size of text of 1.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wish {
    /// The widest cell.
    whole: f64,
    /// The widest part of a cell that stands on one line.
    part: f64,
}

impl Wish {
    /// Takes a cell into account.
    pub(crate) fn see(&mut self, text: &str) {
        self.whole = self.whole.max(width(text));
        for part in text.split([' ', '\u{200b}']) {
            self.part = self.part.max(width(part));
        }
    }

    /// The column is kept on one line.
    pub(crate) fn keep_whole(&mut self) {
        self.part = self.whole;
    }

    /// Takes the column's name into account, which may always be broken between its words.
    pub(crate) fn see_name(&mut self, name: &str) {
        let own = self.whole;
        self.see(name);
        // A name does not make its column wider than two thirds of it on a line.
        self.whole = own.max(self.part).max(self.whole * 2.0 / 3.0);
    }

    fn points(self, size: f64) -> (f64, f64) {
        // A little more than is measured, for what is set in semibold.
        let points = |width: f64, widest: f64| (width * size * 1.07).min(widest) + AROUND;
        (points(self.whole, WIDEST), points(self.part, WIDEST_PART))
    }
}

/// How narrow a table with these columns can be without breaking words.
pub(crate) fn narrowest(wishes: &[Wish], size: f64) -> f64 {
    wishes.iter().map(|wish| wish.points(size).1).sum()
}

/// How wide a table with these columns would be with every cell on one line.
pub(crate) fn widest(wishes: &[Wish], size: f64) -> f64 {
    wishes.iter().map(|wish| wish.points(size).0).sum()
}

/// Shares `room` points among the columns. If there is enough, each has what it asks for, and of the rest in proportion. If
/// there is not, the widest give way first, all to the same width, but none to less than its widest word.
pub(crate) fn share(wishes: &[Wish], size: f64, room: f64) -> Vec<f64> {
    let asked: Vec<(f64, f64)> = wishes.iter().map(|wish| wish.points(size)).collect();
    let below =
        |most: f64| -> Vec<f64> { asked.iter().map(|(whole, part)| whole.min(most).max(*part)).collect() };
    let (mut low, mut high) = (0.0, WIDEST + AROUND);
    for _ in 0..30 {
        let middle = f64::midpoint(low, high);
        if below(middle).iter().sum::<f64>() <= room { low = middle } else { high = middle }
    }
    let shared = below(low);
    let total: f64 = shared.iter().sum();
    shared.into_iter().map(|width| width * room / total).collect()
}

/// The width of a text in multiples of its size. Exact for what the first font has, without kerning.
fn width(text: &str) -> f64 {
    text.chars().map(letter).sum()
}

/// Of the letters that the first font is for: up to the end of Cyrillic.
static EUROPE: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let instance = FONTS.first().map(|font| {
        font.clone().instantiate(FontVariant::default(), Abs::pt(8.0), &FontVariations::default())
    });
    let advance = |letter: char| {
        let instance = instance.as_ref()?;
        instance.x_advance(instance.ttf().glyph_index(letter)?.0).map(Em::get)
    };
    // Figures are set to equal width, which is that of the widest of them.
    let figure = ('0'..='9').filter_map(advance).fold(0.0, f64::max);
    ('\0'..='\u{52f}')
        .map(|letter| if letter.is_ascii_digit() { figure } else { advance(letter).unwrap_or(0.65) })
        .collect()
});

fn letter(letter: char) -> f64 {
    match letter {
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' => 0.0,
        '\0'..='\u{52f}' => EUROPE.get(letter as usize).copied().unwrap_or(0.65),
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{fe0f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{20000}'..='\u{3ffff}' => 1.0,
        _ => 0.65,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(text: &str) -> Wish {
        let mut wish = Wish::default();
        wish.see(text);
        wish
    }

    #[test]
    fn columns_take_all_the_room_and_no_more() {
        let wishes = [wish("a name of some length"), wish("1,234"), wish("")];
        for room in [30.0, 120.0, 500.0] {
            let shared: f64 = share(&wishes, 8.0, room).iter().sum();
            assert!((shared - room).abs() < 1e-6, "{shared} of {room}");
        }
    }

    #[test]
    fn short_columns_keep_their_width_beside_long_ones() {
        let wishes = [wish("some words"), wish("many short words one after the other and on and on")];
        let shared = share(&wishes, 8.0, 200.0);
        assert!(shared[0] >= wishes[0].points(8.0).0, "{shared:?}");
    }

    #[test]
    fn a_word_is_not_broken_while_there_is_room() {
        let wishes = [wish("many short words one after the other and on and on"), wish("indivisible")];
        let shared = share(&wishes, 8.0, 200.0);
        assert!(shared[1] >= wishes[1].points(8.0).1, "{shared:?}");
    }
}
