//! Acting on jobs: on those that are named at once, on those that fit a filter by an operation.

use domain::{
    Ctx,
    jobs::{self, bulk},
};
use engine::{jobs::Filter, operate::Action};
use uuid::Uuid;

use super::{COLUMNS, Which};
use crate::{
    cli::{Failure, exit::Exit, operation, output::Form, tenant::Of, with_platform},
    config::Config,
    http::api::{job_actions::BulkPreview, jobs::Job},
};

/// What is to be done with which jobs.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Deed {
    #[command(flatten)]
    of: Of,
    /// The jobs, or a filter instead.
    ids: Vec<Uuid>,
    #[command(flatten)]
    which: Which,
    /// Only show what would be touched.
    #[arg(long)]
    dry_run: bool,
    /// Do not wait until the workers have gone through all that fit the filter.
    #[arg(long)]
    no_wait: bool,
}

pub(super) async fn run(config: &Config, form: Form, action: Action, deed: Deed) -> Result<(), Failure> {
    let Deed { of, ids, which, dry_run, no_wait } = deed;
    let filter = which.filter();
    if !ids.is_empty() && filter != Filter::default() {
        return Err(Exit::Usage.because("name jobs, or a filter, not both"));
    }
    with_platform(config, async |platform| {
        let ctx = of.show(platform).await?;
        match (ids.is_empty(), dry_run) {
            (false, _) => named(&ctx, form, action, &ids, dry_run).await,
            (true, true) => preview(&ctx, form, action, &filter).await,
            (true, false) => {
                let asked = bulk::act(&ctx, action, filter).await?;
                let id = asked.fresh.ok_or("this was asked for before")?;
                operation::accepted(form, &ctx, id, action.verb(), !no_wait).await
            }
        }
    })
    .await
}

/// Acts on one job after the other, and ends at the first that is refused. What was done by then is shown, and that it was
/// done is told.
async fn named(ctx: &Ctx, form: Form, action: Action, ids: &[Uuid], dry_run: bool) -> Result<(), Failure> {
    let act = async |id: &Uuid| {
        let job = if dry_run { jobs::get(ctx, *id, "job").await } else { jobs::act(ctx, action, *id).await };
        job.map(Job::from)
    };
    let (found, refused) = Exit::until_refused(ids, act).await?;
    let shown = form.list(&COLUMNS[1..], None).all(&found);
    // Whether or not somebody reads the list, it was not all done.
    match refused {
        Some(why) if dry_run => Err(why),
        Some(why) => Err(Exit::half_done(&*why)),
        None => shown,
    }
}

async fn preview(ctx: &Ctx, form: Form, action: Action, filter: &Filter) -> Result<(), Failure> {
    let found = bulk::preview(ctx, filter).await?;
    let sample = found.sample.into_iter().map(Job::from).collect();
    let preview = BulkPreview { matched: found.matched, more: found.more, sample };
    if form == Form::Table {
        let more = if preview.more { " or more" } else { "" };
        eprintln!("{} jobs{more} would be looked at to {}; the newest:", preview.matched, action.verb());
        return form.list(&COLUMNS[1..], None).all(&preview.sample);
    }
    form.one(&preview)
}
