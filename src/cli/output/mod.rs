//! What commands print on standard output: tables for people, JSON and NDJSON for programs. Whatever else there is to say goes
//! to standard error. Nothing has a colour.
//!
//! - [`list`] a list, page by page, so that one of millions takes no more memory than one of a page
//! - [`table`] cells and columns, pure

mod list;
mod table;

use std::{
    fs::File,
    io::{self, Stdout, Write as _, stdout},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use serde::Serialize;
use serde_json::Value;

pub(super) use self::{
    list::List,
    table::{Columns, lines},
};
use super::Failure;

/// An empty file in which people may be named: if it is not there yet, nobody else may read it.
pub(super) fn private(path: &Path) -> io::Result<File> {
    File::options().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// In which form a command prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// Columns for people; long texts are cut, times have no fractions.
    #[default]
    Table,
    /// One JSON value: a list, or an object.
    Json,
    /// One JSON object a line, each as soon as it is known.
    Ndjson,
}

/// How long a list may be.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct Most {
    /// At most so many; all if not said.
    #[arg(long)]
    pub(super) limit: Option<u64>,
}

impl Form {
    /// A list to be printed, of at most so many.
    pub(super) fn list(self, columns: Columns, most: Option<u64>) -> List<Stdout> {
        List::new(stdout(), self, columns, most)
    }

    /// One thing with all that is known of it.
    pub(super) fn one(self, thing: &impl Serialize) -> Result<(), Failure> {
        self.whole(thing, &[])
    }

    /// The same of a thing that has parts: below it each of them is a table, named by its field.
    pub(super) fn whole(self, thing: &impl Serialize, parts: &[(&str, Columns)]) -> Result<(), Failure> {
        let thing = serde_json::to_value(thing)?;
        let text = match self {
            Self::Json => serde_json::to_string_pretty(&thing)? + "\n",
            Self::Ndjson => format!("{thing}\n"),
            Self::Table => {
                let names: Vec<&str> = parts.iter().map(|(name, _)| *name).collect();
                let mut text = table::fields(&thing, &names);
                for &(name, columns) in parts {
                    let rows = thing.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                    if !rows.is_empty() {
                        text.extend(["\n", name, "\n"]);
                        table::rows(columns, &mut Vec::new(), true, rows, &mut text);
                    }
                }
                text
            }
        };
        written(text.as_bytes())
    }

    /// What was done: in words for people, or what came of it.
    pub(super) fn done(self, words: &str, what: &impl Serialize) -> Result<(), Failure> {
        match self {
            Self::Table => written(format!("{}\n", lines(words)).as_bytes()),
            Self::Json | Self::Ndjson => self.one(what),
        }
    }
}

/// Writes to standard output. Unlike `println!` it does not panic if nobody reads any more.
pub(super) fn written(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}
