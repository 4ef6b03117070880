//! Real contacts to import: the bank's file where it is, generated ones of the same shape elsewhere.

use std::{fmt::Write, path::Path};

/// The bank marketing sample (4,119 contacts without names), beside the project.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/bank-additional.csv");
/// Area codes of the North American plan; 555-0100 to 555-0199 are kept for fiction in each.
const AREAS: [u16; 45] = [
    201, 202, 203, 205, 206, 207, 208, 209, 210, 212, 213, 214, 215, 216, 217, 218, 219, 224, 225, 228, 229,
    231, 234, 239, 240, 248, 251, 252, 253, 254, 256, 260, 262, 267, 269, 270, 276, 281, 301, 302, 303, 304,
    305, 307, 308,
];
/// Contacts that are generated where the file is not.
const GENERATED: usize = 600;

/// A CSV file of contacts, all columns of the source kept, with names, addresses and numbers made up.
/// Answers the file and how many contacts it holds.
///
/// # Panics
/// If the file is there and cannot be read.
#[must_use]
pub fn contacts() -> (String, usize) {
    let source = if Path::new(FILE).exists() {
        std::fs::read_to_string(FILE).expect("the file can be read")
    } else {
        (0..GENERATED)
            .fold("\"age\";\"job\"\n".into(), |source, at| format!("{source}{};\"services\"\n", 20 + at % 60))
    };
    let mut lines = source.lines().filter(|line| !line.is_empty());
    let mut file = format!("{};name;email;phone\n", lines.next().expect("a header"));
    let mut count = 0;
    for line in lines {
        let (area, number) = (AREAS[count / 100], count % 100);
        writeln!(file, "{line};Contact {count};contact{count}@example.com;+1 {area} 555 01{number:02}")
            .expect("memory takes it");
        count += 1;
    }
    (file, count)
}
