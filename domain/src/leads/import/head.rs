//! The beginning of a file until its first row is complete, however the stream is cut.

use super::super::csv::{LONGEST_ROW, Reader, Row, delimiter_of};

/// Takes pieces until [`Head::is_whole`]; [`Head::end`] if the body is over before.
pub struct Head {
    /// What separates fields, if the sender says so.
    delimiter: Option<u8>,
    /// What waits until the first line tells what separates fields.
    waits: Vec<u8>,
    /// Something other than the end of a line has come.
    is_begun: bool,
    length: usize,
    reader: Option<Reader>,
    rows: Vec<Row>,
}

impl Head {
    /// `delimiter` as the sender says it; if they do not, the first line tells.
    #[must_use]
    pub fn new(delimiter: Option<u8>) -> Self {
        Self { delimiter, waits: Vec::new(), is_begun: false, length: 0, reader: None, rows: Vec::new() }
    }

    /// Takes the next piece.
    pub fn push(&mut self, chunk: &[u8]) {
        self.length += chunk.len();
        self.waits.extend_from_slice(chunk);
        let mut is_told = self.delimiter.is_some() || self.reader.is_some() || self.length > LONGEST_ROW;
        for byte in chunk {
            let is_end = matches!(byte, b'\n' | b'\r');
            is_told |= is_end && self.is_begun;
            self.is_begun |= !is_end;
        }
        if is_told {
            self.read();
        }
    }

    /// Whether its first row is there, or it is longer than any row may be.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        !self.rows.is_empty() || self.length > LONGEST_ROW
    }

    /// The body is over: a first line without an end is complete.
    pub fn end(&mut self) {
        self.read();
        let rows = &mut self.rows;
        if let Some(reader) = &mut self.reader {
            reader.end(&mut |row| rows.push(row));
        }
    }

    /// The reader for what follows, and the rows so far.
    pub(super) fn into_parts(mut self) -> (Reader, Vec<Row>) {
        let reader = self.reader.take().unwrap_or_else(|| Reader::new(delimiter_of(&self.waits)));
        (reader, self.rows)
    }

    fn read(&mut self) {
        let waits = std::mem::take(&mut self.waits);
        let delimiter = self.delimiter;
        let reader =
            self.reader.get_or_insert_with(|| Reader::new(delimiter.unwrap_or_else(|| delimiter_of(&waits))));
        let rows = &mut self.rows;
        reader.feed(&waits, &mut |row| rows.push(row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str, chunk: usize) -> Row {
        let mut head = Head::new(None);
        let mut pieces = text.as_bytes().chunks(chunk);
        while !head.is_whole() {
            if let Some(piece) = pieces.next() {
                head.push(piece);
            } else {
                head.end();
                break;
            }
        }
        head.into_parts().1.remove(0)
    }

    #[test]
    fn the_first_row_is_the_same_however_the_stream_is_cut() {
        for text in ["\n\r\na;\"b\nc\";d,e\n1;2;3\n", "\n\ra;\"b\nc\";d,e\r1;2;3", "\n\n\na;\"b\nc\";d,e"] {
            for chunk in 1..=text.len() {
                let fields = first(text, chunk).fields;
                let wanted = ["a", "b\nc", "d,e"].map(ToOwned::to_owned).to_vec();
                assert_eq!(fields, Ok(wanted), "{text:?} cut every {chunk} bytes");
            }
        }
    }

    #[test]
    fn a_line_longer_than_a_row_may_be_is_not_waited_for() {
        let mut head = Head::new(None);
        head.push("x".repeat(LONGEST_ROW).as_bytes());
        assert!(!head.is_whole());
        head.push(b"x");
        assert!(head.is_whole());
        assert!(head.into_parts().1.is_empty());
    }
}
