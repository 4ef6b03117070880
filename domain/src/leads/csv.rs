//! Rows of a CSV file (RFC 4180) out of a stream of chunks, with bounded memory whatever comes.

use csv_core::{ReadRecordResult, Reader as Core, ReaderBuilder};

/// The most a row may have; what is longer is told and left out.
pub const LONGEST_ROW: usize = 64 * 1024;
/// The most fields a row may have.
pub const MOST_FIELDS: usize = 500;
/// What some programs begin a file of UTF-8 with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One row, or what is wrong with it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The line it starts on, from 1.
    pub line: u64,
    pub fields: Result<Vec<String>, &'static str>,
}

/// Reads rows. Feed it chunks as they come, then [`Reader::end`].
pub struct Reader {
    core: Core,
    /// The first bytes, as long as they may be a byte order mark: the reader below knows it only whole.
    first: Option<Vec<u8>>,
    field_bytes: Vec<u8>,
    ends: Vec<usize>,
    written: usize,
    ended: usize,
    /// The line the row at hand starts on, and the one being read.
    start: u64,
    line: u64,
    quotes: u64,
    /// The last byte was a CR, so an LF after it ends no second line.
    after_cr: bool,
    too_long: bool,
    blank: bool,
}

impl Reader {
    /// `delimiter` is the byte between fields. All the memory for rows is taken here.
    #[must_use]
    pub fn new(delimiter: u8) -> Self {
        Self {
            core: ReaderBuilder::new().delimiter(delimiter).build(),
            first: Some(Vec::new()),
            field_bytes: vec![0; LONGEST_ROW],
            ends: vec![0; MOST_FIELDS],
            written: 0,
            ended: 0,
            start: 1,
            line: 1,
            quotes: 0,
            after_cr: false,
            too_long: false,
            blank: true,
        }
    }

    /// Gives each row that the chunk completes to `row`.
    pub fn feed(&mut self, chunk: &[u8], row: &mut impl FnMut(Row)) {
        let Some(mut first) = self.first.take() else { return self.read(chunk, row) };
        first.extend_from_slice(chunk);
        if first.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(&first) {
            self.first = Some(first);
        } else {
            self.read(&first, row);
        }
    }

    fn read(&mut self, mut chunk: &[u8], row: &mut impl FnMut(Row)) {
        while !chunk.is_empty() {
            let used = self.step(chunk, row);
            chunk = &chunk[used..];
        }
    }

    /// The stream is over: gives the last row if it had no line end.
    pub fn end(&mut self, row: &mut impl FnMut(Row)) {
        let first = self.first.take().unwrap_or_default();
        self.read(&first, row);
        while !self.blank {
            self.step(&[], row);
        }
    }

    /// Reads on and answers how many bytes it took.
    fn step(&mut self, input: &[u8], row: &mut impl FnMut(Row)) -> usize {
        let (result, used, wrote, ends) =
            self.core.read_record(input, &mut self.field_bytes[self.written..], &mut self.ends[self.ended..]);
        for byte in &input[..used] {
            match byte {
                b'"' => self.quotes += 1,
                b'\r' => self.line += 1,
                b'\n' if !self.after_cr => self.line += 1,
                _ => {}
            }
            self.after_cr = *byte == b'\r';
            if self.blank {
                // Empty lines before a row belong to no row.
                if matches!(byte, b'\n' | b'\r') {
                    self.start = self.line;
                } else {
                    self.blank = false;
                }
            }
        }
        self.written += wrote;
        self.ended += ends;
        match result {
            ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                self.too_long = true;
                (self.written, self.ended) = (0, 0);
            }
            ReadRecordResult::Record => {
                let fields = self.fields();
                row(Row { line: self.start, fields });
                (self.written, self.ended, self.quotes) = (0, 0, 0);
                (self.too_long, self.blank, self.start) = (false, true, self.line);
            }
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::End => self.blank = true,
        }
        used
    }

    fn fields(&self) -> Result<Vec<String>, &'static str> {
        if self.quotes % 2 == 1 {
            return Err(
                "a quote is opened and never closed; the rows after it were read as part of this one",
            );
        }
        if self.too_long {
            return Err("the row is longer than 64 KiB or has more than 500 fields");
        }
        let mut from = 0;
        let mut fields = Vec::with_capacity(self.ended);
        for to in &self.ends[..self.ended] {
            let field = std::str::from_utf8(&self.field_bytes[from..*to])
                .map_err(|_| "the row is not UTF-8; save the file as UTF-8")?;
            if field.contains('\0') {
                return Err("the row holds a NUL character");
            }
            fields.push(field.to_owned());
            from = *to;
        }
        Ok(fields)
    }
}

/// The delimiter that the first line uses, empty ones aside: the one of `, ; tab |` that occurs most.
#[must_use]
pub fn delimiter_of(header: &[u8]) -> u8 {
    let mut lines = header.split(|byte| matches!(byte, b'\n' | b'\r'));
    let line = lines.find(|line| !line.is_empty()).unwrap_or_default();
    let count = |delimiter: u8| line.split(|byte| *byte == delimiter).count();
    // The first of equals wins, so a comma where nothing is found.
    [b'|', b'\t', b';', b','].into_iter().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows(text: &[u8], chunk: usize) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut reader = Reader::new(b',');
        for part in text.chunks(chunk) {
            reader.feed(part, &mut |row| rows.push(row));
        }
        reader.end(&mut |row| rows.push(row));
        rows
    }

    fn good(line: u64, fields: &[&str]) -> Row {
        Row { line, fields: Ok(fields.iter().map(ToString::to_string).collect()) }
    }

    #[test]
    fn rows_are_the_same_however_the_stream_is_cut() {
        let text = "a,b\r\n\"x,\"\"y\"\"\",2\n\n\"two\nlines\",日本\nlast,";
        let wanted = [
            good(1, &["a", "b"]),
            good(2, &["x,\"y\"", "2"]),
            good(4, &["two\nlines", "日本"]),
            good(6, &["last", ""]),
        ];
        for chunk in 1..=text.len() {
            assert_eq!(rows(text.as_bytes(), chunk), wanted, "cut every {chunk} bytes");
        }
    }

    #[test]
    fn a_byte_order_mark_is_none_of_the_first_field_however_the_stream_is_cut() {
        let text = b"\xef\xbb\xbf\"a,b\",c\n";
        for chunk in 1..=text.len() {
            assert_eq!(rows(text, chunk), [good(1, &["a,b", "c"])], "cut every {chunk} bytes");
        }
        for part in 1..3 {
            assert_eq!(rows(&text[..part], 1).len(), 1, "a part of it is a row that is not UTF-8");
        }
    }

    #[test]
    fn faults_are_told_with_their_line_and_cost_only_their_row() {
        let mut text = b"a,b\n".to_vec();
        text.extend(b"\xe9t\xe9,1\n");
        text.extend(vec![b'x'; LONGEST_ROW * 3]);
        text.extend(b"\ngood,1\n\"never closed,1\nswallowed,2\n");
        let got = rows(&text, 1000);
        assert_eq!(
            got.iter().map(|row| (row.line, row.fields.is_ok())).collect::<Vec<_>>(),
            [(1, true), (2, false), (3, false), (4, true), (5, false)]
        );
        assert!(got[4].fields.as_ref().expect_err("a fault").contains("quote"));
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("a,b{end}1,2{end}{end}\"x{end}y\",3{end}4,5");
            let lines: Vec<u64> = rows(text.as_bytes(), 3).iter().map(|row| row.line).collect();
            assert_eq!(lines, [1, 2, 4, 6], "{end:?}");
        }
    }

    #[test]
    fn the_header_tells_its_delimiter() {
        assert_eq!(delimiter_of(b"a;b;c,d\n1,2,3,4,5"), b';');
        assert_eq!(delimiter_of(b"a\tb"), b'\t');
        assert_eq!(delimiter_of(b"alone"), b',');
        assert_eq!(delimiter_of(b"\r\n\na;b\r1,2,3"), b';');
    }

    proptest! {
        #[test]
        fn nothing_that_comes_breaks_it(text in proptest::collection::vec(any::<u8>(), 0..500), chunk in 1_usize..40) {
            let whole = rows(&text, text.len().max(1));
            prop_assert_eq!(rows(&text, chunk), whole);
        }
    }
}
