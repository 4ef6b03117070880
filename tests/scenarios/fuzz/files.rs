//! Files that tenants send to be imported, however they are cut.

use domain::leads::{
    columns::{Columns, Mapping},
    csv::{MOST_FIELDS, Reader, Row, delimiter_of},
    import::head::Head,
};
use proptest::prelude::any;

use super::{bytes, feed};

fn rows(file: &[u8], chunk: usize) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut reader = Reader::new(delimiter_of(file));
    for part in file.chunks(chunk) {
        reader.feed(part, &mut |row| rows.push(row));
    }
    reader.end(&mut |row| rows.push(row));
    rows
}

#[test]
fn whatever_is_imported_each_row_is_a_lead_or_is_told_why_not() {
    let files = [
        "name,email,phone,status,tags,plan\nAda,ada@example.com,+14155550100,new,a;b,gold\n",
        "email;value_cents\r\n\"a\"\"b\"@example.com;9223372036854775808\r\n;\r\n",
        "\u{feff}Phone\tLanguage\r+4930901820\tde\r",
        "email,email\n\"never closed,1\nswallowed,2\n",
        "email|\n=1+1|@sum\n",
    ];
    feed(&(bytes(&files), 1_usize..40, any::<bool>()), |(file, chunk, is_said)| {
        let mut head = Head::new(is_said.then_some(b','));
        for part in file.chunks(chunk) {
            head.push(part);
            let _ = head.is_whole();
        }
        head.end();
        let whole = rows(&file, file.len().max(1));
        assert_eq!(rows(&file, chunk), whole, "cut every {chunk} bytes");
        let mut read = whole.into_iter().filter_map(|row| row.fields.ok());
        let Some(header) = read.next() else { return };
        let Ok(columns) = Columns::of(&header, &Mapping::default()) else { return };
        for row in read {
            assert!(row.len() <= MOST_FIELDS);
            let Ok(said) = columns.read(&row, &[]) else { continue };
            match columns.lead(said, &[]) {
                Ok(lead) => assert!(lead.phone.is_some() || lead.email.is_some(), "nobody can reach it"),
                Err(wrong) => assert!(!wrong.reason.is_empty()),
            }
        }
    });
}
