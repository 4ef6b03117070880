//! `report`: a report made at once, on standard output or in a file.

use std::{
    io::{IsTerminal as _, Write as _, stdout},
    path::PathBuf,
};

use chrono::NaiveDate;
use domain::{
    Ctx,
    analytics::{
        document::ReportKind,
        export::{self, FileFormat},
        make::ReportRequest,
    },
    processing::reads::Opens,
};

use super::{
    Failure,
    exit::Exit,
    output::{private, written},
    progress,
    tenant::{Of, masked},
    values::one_of,
    with_platform,
};
use crate::config::Config;

/// Which report, and in which form.
#[derive(clap::Args)]
pub(super) struct Wishes {
    #[command(flatten)]
    of: Of,
    #[arg(value_parser = one_of(&ReportKind::ALL, ReportKind::as_str))]
    kind: ReportKind,
    /// The first day; 30 days before `to` if not said.
    #[arg(long, value_name = "DAY")]
    from: Option<NaiveDate>,
    /// The first day that is not counted any more; tomorrow if not said.
    #[arg(long, value_name = "DAY")]
    to: Option<NaiveDate>,
    #[arg(long, default_value = "csv", value_parser = one_of(&FileFormat::ALL, FileFormat::as_str))]
    format: FileFormat,
    /// Where it is written; standard output if not said.
    #[arg(long)]
    file: Option<PathBuf>,
    /// Names of agents in full. That they were taken out is written down.
    #[arg(long)]
    personal: bool,
}

pub(super) async fn run(config: &Config, wishes: Wishes) -> Result<(), Failure> {
    let Wishes { of, kind, from, to, format, file, personal } = wishes;
    if format == FileFormat::Pdf && file.is_none() && stdout().is_terminal() {
        return Err(Exit::Usage.because("a PDF is nothing for a terminal: name a file with --file"));
    }
    let bytes = with_platform(config, async |platform| {
        let ctx = of.act(platform).await?;
        let ctx = if personal { Ctx { opens: Opens::ToExport, ..ctx } } else { masked(ctx) };
        let request = ReportRequest { kind, from, to };
        Ok(progress::during("the report is made", export::at_once(&ctx, &request, format)).await?)
    })
    .await?;
    match file {
        Some(path) => private(&path)
            .and_then(|mut file| file.write_all(&bytes))
            .map_err(|error| format!("{}: {error}", path.display()).into()),
        None => written(&bytes),
    }
}
