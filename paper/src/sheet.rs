//! A document as the template takes it: bounded, cleaned, and measured.

use std::iter;

use serde::Serialize;

use crate::bounds::{CELLS, CHARTS, COLUMNS, MEASURES, ROWS, TABLES, TEXT, TILES, TITLE, first};
use crate::document::{Align, Document, Table};
use crate::plot::Plot;
use crate::said::{Said, plain};
use crate::widths::{Wish, narrowest, share, widest};

/// Points between the margins of `report.typ`, upright and lying.
const UPRIGHT: f64 = 493.0;
const LYING: f64 = 740.0;
/// The size of text in tables, and the least to which it shrinks.
const SIZE: f64 = 8.0;
const SMALL: f64 = 6.0;
/// A table of so many columns lies on its side rather than have its texts on several lines.
const MANY: usize = 7;

#[derive(Debug, Serialize)]
pub(crate) struct Sheet {
    /// Of the PDF's properties.
    name: String,
    author: String,
    language: String,

    title: Said,
    tenant: Said,
    range: Said,
    zone: Said,
    made_at: String,
    note: Option<Said>,
    tiles: Vec<TileOnSheet>,
    charts: Vec<Plot>,
    tables: Vec<TableOnSheet>,
    measures: Vec<MeasureOnSheet>,
    /// What of the document is not shown.
    left_out: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TileOnSheet {
    label: Said,
    value: Said,
    note: Said,
}

#[derive(Debug, Serialize)]
struct MeasureOnSheet {
    name: Said,
    sentence: Said,
}

#[derive(Debug, Serialize)]
struct TableOnSheet {
    title: Said,
    note: Said,
    left_out: Option<String>,
    lying: bool,
    /// Points.
    size: f64,
    widths: Vec<f64>,
    right: Vec<bool>,
    names: Vec<Said>,
    /// Row after row.
    cells: Vec<Said>,
    totals: Option<Vec<Said>>,
}

impl Sheet {
    pub(crate) fn of(document: &Document) -> Self {
        let mut room = CELLS;
        let tables =
            document.tables.iter().take(TABLES).map(|table| TableOnSheet::of(table, &mut room)).collect();
        let left_out = [
            first(document.tiles.len().min(TILES), document.tiles.len(), "figures"),
            first(document.charts.len().min(CHARTS), document.charts.len(), "charts"),
            first(document.tables.len().min(TABLES), document.tables.len(), "tables"),
            first(document.measures.len().min(MEASURES), document.measures.len(), "measures"),
        ];
        let tile = |tile: &crate::Tile| TileOnSheet {
            label: Said::of(&tile.label, TITLE),
            value: Said::whole(&tile.value, 40),
            note: Said::of(&tile.note, TITLE),
        };
        let measure = |measure: &crate::Measure| MeasureOnSheet {
            name: Said::of(&measure.name, TITLE),
            sentence: Said::of(&measure.sentence, TEXT),
        };
        Self {
            name: plain(&document.title, TITLE),
            author: plain(&document.tenant, TITLE),
            language: language(document.language.as_deref()),
            title: Said::of(&document.title, TITLE),
            tenant: Said::of(&document.tenant, TITLE),
            range: Said::of(&document.range, TITLE),
            zone: Said::of(&document.zone, TITLE),
            made_at: document.made_at.format("%-d %B %Y, %H:%M").to_string(),
            note: document.note.as_deref().map(|note| Said::of(note, TEXT)),
            tiles: document.tiles.iter().take(TILES).map(tile).collect(),
            charts: document.charts.iter().take(CHARTS).map(Plot::of).collect(),
            tables,
            measures: document.measures.iter().take(MEASURES).map(measure).collect(),
            left_out: left_out.into_iter().flatten().collect(),
        }
    }
}

impl Sheet {
    /// How many cells its tables have.
    pub(crate) fn cells(&self) -> usize {
        self.tables.iter().map(|table| table.cells.len()).sum()
    }
}

/// A code of two or three letters, which is all that Typst takes; what comes behind it ("-AT") changes nothing here.
fn language(asked: Option<&str>) -> String {
    let code: String =
        asked.unwrap_or_default().split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let known = (2..=3).contains(&code.len()) && code.bytes().all(|letter| letter.is_ascii_lowercase());
    if known { code } else { "en".to_owned() }
}

impl TableOnSheet {
    /// Takes its cells out of `room`.
    fn of(table: &Table, room: &mut usize) -> Self {
        let columns = &table.columns[..table.columns.len().min(COLUMNS)];
        let shown = table.rows.len().min(ROWS).min(*room / columns.len().max(1));
        *room -= shown * columns.len();
        let row = |row: &Vec<String>| -> Vec<Said> {
            let filled = row.iter().map(String::as_str).chain(iter::repeat(""));
            let whole = columns.iter().map(|column| column.align == Align::Right);
            filled
                .zip(whole)
                .map(|(cell, whole)| if whole { Said::whole(cell, TITLE) } else { Said::of(cell, TEXT) })
                .collect()
        };
        let names: Vec<_> = columns.iter().map(|column| Said::of(&column.name, TITLE)).collect();
        let cells: Vec<_> = table.rows[..shown].iter().flat_map(row).collect();
        let totals = table.totals.as_ref().map(row);

        let mut wishes: Vec<_> = columns
            .iter()
            .enumerate()
            .map(|(at, column)| {
                let mut wish = Wish::default();
                let inner = cells.iter().skip(at).step_by(columns.len());
                inner
                    .chain(totals.iter().filter_map(|totals| totals.get(at)))
                    .for_each(|cell| wish.see(cell.as_str()));
                if column.align == Align::Right {
                    wish.keep_whole();
                }
                wish
            })
            .collect();
        wishes.iter_mut().zip(&names).for_each(|(wish, name)| wish.see_name(name.as_str()));

        let crowded = columns.len() >= MANY && widest(&wishes, SIZE) > 1.1 * UPRIGHT;
        let lying = crowded || narrowest(&wishes, SIZE) > UPRIGHT;
        let width = if lying { LYING } else { UPRIGHT };
        let size = (SIZE * width / narrowest(&wishes, SIZE).max(width)).max(SMALL);
        let left_out =
            [first(shown, table.rows.len(), "rows"), first(columns.len(), table.columns.len(), "columns")];
        Self {
            title: Said::of(&table.title, TITLE),
            note: Said::of(&table.note, TEXT),
            left_out: left_out.into_iter().flatten().reduce(|all, note| format!("{all} {note}")),
            lying,
            size,
            widths: share(&wishes, size, width),
            right: columns.iter().map(|column| column.align == Align::Right).collect(),
            names,
            cells,
            totals,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Column;

    fn table(columns: usize, rows: usize) -> Table {
        let column = |at: usize| Column { name: format!("Column {at}"), align: Align::Right };
        Table {
            title: "All of it".into(),
            note: String::new(),
            columns: (0..columns).map(column).collect(),
            rows: vec![vec!["1".into(); columns]; rows],
            totals: None,
        }
    }

    #[test]
    fn cells_are_shared_by_all_tables() {
        let mut room = CELLS;
        let first = TableOnSheet::of(&table(5, ROWS + 1), &mut room);
        assert_eq!(first.cells.len(), 5 * ROWS);
        assert_eq!(first.left_out.as_deref(), Some("The first 10,000 of 10,001 rows are shown."));
        let second = TableOnSheet::of(&table(10, ROWS), &mut room);
        assert_eq!((second.cells.len(), room), (CELLS - 5 * ROWS, 0));
        let third = TableOnSheet::of(&table(3, 2), &mut room);
        assert_eq!(third.left_out.as_deref(), Some("The first 0 of 2 rows are shown."));
    }

    #[test]
    fn rows_are_as_long_as_there_are_columns() {
        let mut odd = table(2, 0);
        odd.rows = vec![vec![], vec!["a".into(), "b".into(), "c".into()]];
        let cells = TableOnSheet::of(&odd, &mut CELLS.clone()).cells;
        assert_eq!(cells.iter().map(Said::as_str).collect::<Vec<_>>(), ["", "", "a", "b"]);
        let mut none = table(0, 3);
        none.totals = Some(vec!["a".into()]);
        assert!(TableOnSheet::of(&none, &mut CELLS.clone()).cells.is_empty());
    }

    #[test]
    fn wide_tables_lie_on_their_side() {
        assert!(!TableOnSheet::of(&table(6, 1), &mut CELLS.clone()).lying);
        let wide = TableOnSheet::of(&table(COLUMNS + 5, 1), &mut CELLS.clone());
        assert!(wide.lying && wide.widths.len() == COLUMNS);
        assert_eq!(wide.left_out.as_deref(), Some("The first 20 of 25 columns are shown."));
    }

    #[test]
    fn a_language_is_a_code() {
        for (asked, taken) in [
            (None, "en"),
            (Some("de-AT"), "de"),
            (Some("AR"), "ar"),
            (Some("Deutsch"), "en"),
            (Some("#a"), "en"),
        ] {
            assert_eq!(language(asked), taken);
        }
    }
}
