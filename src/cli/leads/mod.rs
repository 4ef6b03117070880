//! `leads`: a file of them is imported, as it lies here or comes through a pipe.

mod import;

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};
use domain::leads::{
    columns::Mapping,
    import::{Asked, How, OnDuplicate},
};

use super::{
    Failure,
    output::Form,
    tenant::Of,
    values::{one_of, pair},
};
use crate::config::Config;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Import leads from a CSV file (RFC 4180, UTF-8) whose first line names the columns. Ctrl-C ends it in order: what was
    /// written by then stays.
    Import(Wishes),
}

/// How a file is to be read.
#[derive(clap::Args)]
pub(super) struct Wishes {
    #[command(flatten)]
    of: Of,
    /// The file; `-` is standard input.
    file: PathBuf,
    /// Look at every row, write nothing but the report.
    #[arg(long)]
    dry_run: bool,
    /// What becomes of a row whose number or address a lead has already.
    #[arg(long, default_value = "create", value_parser = one_of(&OnDuplicate::ALL, OnDuplicate::as_str))]
    on_duplicate: OnDuplicate,
    /// What stands between columns; found out from the first line if not said.
    #[arg(long)]
    delimiter: Option<Delimiter>,
    /// Which column a field is read from; others are left out then. Once for each field.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = pair)]
    map: Vec<(String, String)>,
    /// What a new lead gets where its row says nothing of a field. Once for each field.
    #[arg(long, value_name = "FIELD=VALUE", value_parser = pair)]
    default: Vec<(String, String)>,
    /// Write what became of each row to this file (CSV).
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Delimiter {
    Comma,
    Semicolon,
    Tab,
    Pipe,
}

impl Wishes {
    fn asked(&self) -> Asked {
        let delimiter = self.delimiter.map(|delimiter| match delimiter {
            Delimiter::Comma => b',',
            Delimiter::Semicolon => b';',
            Delimiter::Tab => b'\t',
            Delimiter::Pipe => b'|',
        });
        let mapping = Mapping { columns: self.map.clone(), defaults: self.default.clone() };
        Asked { delimiter, mapping, how: How { dry_run: self.dry_run, on_duplicate: self.on_duplicate } }
    }
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::Import(wishes) => import::run(config, form, &wishes).await,
    }
}
