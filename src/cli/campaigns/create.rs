//! A campaign that is written from a file.

use std::path::{Path, PathBuf};

use domain::{
    Error,
    campaigns::{
        manage::{self, NewCampaign},
        preview, steer,
    },
    ctx::Platform,
};

use super::{said, watch};
use crate::{
    cli::{Failure, exit::Exit, output::Form, tenant::Of},
    http::api::campaigns::CampaignDraft,
};

/// What is written, and whether it is sent at once.
#[derive(clap::Args)]
pub(in crate::cli) struct Wishes {
    #[command(flatten)]
    of: Of,
    /// A file with the JSON that the API takes.
    file: PathBuf,
    /// Only show whom it would be to at this moment, and how it would look; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Begin a run of it at once, and wait until that is over, with a bar.
    #[arg(long, conflicts_with = "dry_run")]
    start: bool,
}

pub(super) async fn run(platform: &Platform, form: Form, wishes: &Wishes) -> Result<(), Failure> {
    let new = read(&wishes.file)?;
    // Nothing personal is shown, whatever the file asks for.
    let shown = wishes.of.show(platform).await?;
    if wishes.dry_run {
        return form.one(&preview::preview(&shown, &new).await?);
    }
    let by = wishes.of.act(platform).await?;
    let made = manage::create(&by, &new).await?.fresh.ok_or("it was written before")?;
    if !wishes.start {
        return said(form, &made);
    }
    let run = steer::start(&shown, made.id).await?.fresh.ok_or("it was started before")?;
    watch::follow(&shown, form, made.id, Some(run)).await
}

fn read(file: &Path) -> Result<NewCampaign, Failure> {
    let named = |why: &dyn std::fmt::Display| Exit::Usage.because(format!("{}: {why}", file.display()));
    let text = std::fs::read(file).map_err(|error| named(&error))?;
    let draft: CampaignDraft = serde_json::from_slice(&text).map_err(|error| named(&error))?;
    Ok(draft.read("").map_err(|problem| Error::Invalid(problem.errors))?)
}
