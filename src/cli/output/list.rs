//! A list as it is printed: a page is read, printed and forgotten before the next one.

use std::io::Write;

use serde::Serialize;
use serde_json::Value;

use super::{Columns, Form, table};
use crate::cli::Failure;

/// Rows that are read at a time.
const PAGE: u64 = 200;

/// A list under way.
pub(in crate::cli) struct List<W> {
    to: W,
    form: Form,
    columns: Columns,
    /// As the first page has them; wider cells move what follows.
    widths: Vec<usize>,
    shown: u64,
    most: Option<u64>,
}

impl<W: Write> List<W> {
    pub(super) fn new(to: W, form: Form, columns: Columns, most: Option<u64>) -> Self {
        Self { to, form, columns, widths: Vec::new(), shown: 0, most }
    }

    /// Reads a list from its beginning to its end, or as far as it is wanted. `page` is given where the page before ended
    /// and how many rows are wanted; `place` says where a row stands.
    pub(in crate::cli) async fn read<T: Serialize, P>(
        &mut self,
        mut page: impl AsyncFnMut(Option<P>, i64) -> Result<Vec<T>, Failure>,
        place: impl Fn(&T) -> P,
    ) -> Result<(), Failure> {
        let mut before = None;
        while let Some(wanted) = self.wanted() {
            // A short page is not always the last one: some end early for their size.
            let rows = page(before, wanted).await?;
            let Some(last) = rows.last() else { break };
            before = Some(place(last));
            self.page(&rows)?;
        }
        Ok(())
    }

    /// Prints some rows.
    pub(in crate::cli) fn page<T: Serialize>(&mut self, rows: &[T]) -> Result<(), Failure> {
        let mut text = String::new();
        if self.form == Form::Table {
            let rows: Vec<Value> = rows.iter().map(serde_json::to_value).collect::<Result<_, _>>()?;
            table::rows(self.columns, &mut self.widths, self.shown == 0, &rows, &mut text);
            self.shown += u64::try_from(rows.len())?;
        } else {
            for row in rows {
                match (self.form, self.shown) {
                    (Form::Json, 0) => text.push_str("[\n"),
                    (Form::Json, _) => text.push_str(",\n"),
                    _ => {}
                }
                text.push_str(&serde_json::to_string(row)?);
                if self.form == Form::Ndjson {
                    text.push('\n');
                }
                self.shown += 1;
            }
        }
        self.to.write_all(text.as_bytes())?;
        Ok(self.to.flush()?)
    }

    /// Prints these rows, which are all.
    pub(in crate::cli) fn all<T: Serialize>(mut self, rows: &[T]) -> Result<(), Failure> {
        self.page(rows)?;
        self.end()
    }

    /// Whether as many rows were printed as are wanted.
    pub(in crate::cli) fn is_full(&self) -> bool {
        self.wanted().is_none()
    }

    /// Ends the list.
    pub(in crate::cli) fn end(mut self) -> Result<(), Failure> {
        match (self.form, self.shown) {
            (Form::Table, 0) => eprintln!("there is nothing to show"),
            (Form::Json, 0) => self.to.write_all(b"[]\n")?,
            (Form::Json, _) => self.to.write_all(b"\n]\n")?,
            (Form::Table | Form::Ndjson, _) => {}
        }
        Ok(self.to.flush()?)
    }

    /// How many more rows are wanted at once; none if there are enough.
    fn wanted(&self) -> Option<i64> {
        let left = self.most.map_or(PAGE, |most| most.saturating_sub(self.shown).min(PAGE));
        i64::try_from(left).ok().filter(|left| *left > 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: Columns = &[("NAME", "/name"), ("OF", "/of/kind")];

    fn printed(form: Form, pages: &[&[Value]]) -> String {
        let mut text = Vec::new();
        let mut list = List::new(&mut text, form, COLUMNS, None);
        for &page in pages {
            list.page(page).expect("it is written");
        }
        list.end().expect("it is written");
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn a_list_is_the_same_in_every_form() {
        let (ada, bob) = (json!({"name": "Ada", "of": {"kind": "lead"}}), json!({"name": "Bob", "of": null}));
        let pages: &[&[Value]] = &[std::slice::from_ref(&ada), std::slice::from_ref(&bob)];
        assert_eq!(printed(Form::Table, pages), "NAME  OF\nAda   lead\nBob   -\n");
        let list: Value = serde_json::from_str(&printed(Form::Json, pages)).expect("JSON");
        assert_eq!(list, json!([ada, bob]));
        let lines: Vec<Value> = printed(Form::Ndjson, pages)
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(json!(lines), list);
        assert_eq!((printed(Form::Json, &[]), printed(Form::Ndjson, &[])), ("[]\n".into(), String::new()));
    }

    #[tokio::test]
    async fn no_more_is_read_than_is_wanted() {
        let mut asked = Vec::new();
        let mut list = List::new(Vec::new(), Form::Ndjson, COLUMNS, Some(250));
        let read = list.read(
            async |before: Option<u64>, wanted| {
                asked.push((before, wanted));
                let from = before.unwrap_or(0);
                Ok((from + 1..=from + u64::try_from(wanted)?).collect::<Vec<u64>>())
            },
            |row| *row,
        );
        read.await.expect("it is read");
        assert_eq!(asked, [(None, 200), (Some(200), 50)]);
        assert!(list.is_full());
    }
}
