//! `docs/security.md` says by which tests it is checked, and so does the list that `./x security` runs: there are such
//! tests, and no item of a standard is without one.

use std::{collections::BTreeSet, fs, path::Path};

const PAGE: &str = "docs/security.md";
const ROWS: &str = "tests/security/rows.toml";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("it is a member of the workspace")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|why| panic!("{path}: {why}"))
}

/// Tests as they are written there: a file and a name, between quotes.
fn named(text: &str) -> BTreeSet<(&str, &str)> {
    let words = text.split(['`', '"']).filter(|word| !word.contains(char::is_whitespace));
    words.filter(|word| word.contains(".rs::")).filter_map(|word| word.split_once("::")).collect()
}

/// What stands in the first column of a table's lines, under a heading that begins so.
fn items<'p>(page: &'p str, heading: &str) -> Vec<(&'p str, &'p str)> {
    let section = page.split("\n## ").find(|section| section.starts_with(heading)).expect("a section");
    let lines = section.lines().filter_map(|line| {
        let first = line.strip_prefix("| ")?.split(" |").next()?;
        let id = first.trim_start_matches("API").split([' ', ':']).next()?;
        id.starts_with(|c: char| c.is_ascii_digit()).then_some((id, line))
    });
    lines.collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let (page, rows) = (read(PAGE), read(ROWS));
    for (file, name) in named(&page).union(&named(&rows)) {
        assert!(read(file).contains(&format!("fn {name}(")), "there is no {name} in {file}");
    }
}

#[test]
fn every_item_of_a_standard_names_a_test_and_stands_there_once() {
    let page = read(PAGE);
    for (heading, at_least) in [("OWASP API Security Top 10", 10), ("ASVS 5.0", 100)] {
        let items = items(&page, heading);
        assert!(items.len() >= at_least, "{heading}: {}", items.len());
        let ids: BTreeSet<&str> = items.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), items.len(), "{heading}: one stands there twice");
        for (id, line) in items {
            assert!(!named(line).is_empty(), "{id} names no test");
        }
    }
}
