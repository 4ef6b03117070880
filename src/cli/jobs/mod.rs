//! `jobs`: what was asked for and what became of it, and acting on one job or on all that fit a filter.

mod act;

use clap::{Subcommand, builder::PossibleValuesParser};
use domain::access::gate::Gate;
use engine::jobs::Filter;
use serde::Serialize;
use uuid::Uuid;

use self::act::Deed;
use super::{
    Failure,
    output::{Columns, Form, Most},
    tenant::{self, Look, Reason},
    with_platform,
};
use crate::{
    config::Config,
    http::api::jobs::{ENDED, Job, LIVE},
};

const COLUMNS: Columns = &[
    ("TENANT", "/tenant"),
    ("ID", "/id"),
    ("KIND", "/kind"),
    ("QUEUE", "/queue"),
    ("STATE", "/state"),
    ("TRY", "/attempt"),
    ("MADE", "/created_at"),
    ("DUE", "/run_at"),
    ("ABOUT", "/business_key"),
    ("ERROR", "/error_code"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// The jobs of a tenant, or of all tenants one after the other, newest first.
    List {
        #[command(flatten)]
        which: Which,
        /// The slug or id of the only tenant to look into.
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        reason: Reason,
        #[command(flatten)]
        most: Most,
    },
    /// One job with its attempts.
    Show {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// End jobs that wait, and tell the processes that run others.
    Cancel(Deed),
    /// Run jobs that wait now, and those that ended badly once more.
    Retry(Deed),
    /// Give jobs up that wait; they are kept as dead letters.
    Discard(Deed),
}

/// Which jobs: those that fit everything that is said.
#[derive(Debug, clap::Args)]
pub(super) struct Which {
    #[arg(long)]
    kind: Option<String>,
    #[arg(long, value_parser = PossibleValuesParser::new(LIVE.into_iter().chain(ENDED)))]
    state: Option<String>,
    #[arg(long)]
    queue: Option<String>,
    #[arg(long)]
    tag: Option<String>,
    /// What they are about, for example `message:<id>`.
    #[arg(long)]
    key: Option<String>,
    /// The code by which they ended.
    #[arg(long)]
    error: Option<String>,
    /// The process that runs them, or ran them last.
    #[arg(long)]
    node: Option<Uuid>,
}

impl Which {
    fn filter(self) -> Filter {
        Filter {
            kind: self.kind,
            state: self.state,
            business_key: self.key,
            queue: self.queue,
            tag: self.tag,
            error_code: self.error,
            node: self.node,
            ..Filter::default()
        }
    }
}

/// A job of a list.
#[derive(Serialize)]
struct Row {
    tenant: String,
    #[serde(flatten)]
    job: Job,
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    use engine::operate::Action::{Cancel, Discard, Retry};
    match command {
        Command::List { which, tenant, reason, most } => {
            list(config, form, (which.filter(), tenant, most.limit), &reason).await
        }
        Command::Show { look, id } => {
            with_platform(config, async |platform| {
                let ctx = look.enter(platform, "jobs show").await?;
                form.one(&Job::from(domain::jobs::get(&ctx, id, "job").await?))
            })
            .await
        }
        Command::Cancel(deed) => act::run(config, form, Cancel, deed).await,
        Command::Retry(deed) => act::run(config, form, Retry, deed).await,
        Command::Discard(deed) => act::run(config, form, Discard, deed).await,
    }
}

async fn list(
    config: &Config,
    form: Form,
    (filter, only, limit): (Filter, Option<String>, Option<u64>),
    reason: &Reason,
) -> Result<(), Failure> {
    with_platform(config, async |platform| {
        let gate = Gate::open(platform).await?;
        // Whoever names a tenant knows it.
        let columns = if only.is_some() { &COLUMNS[1..] } else { COLUMNS };
        let mut list = form.list(columns, limit);
        tenant::each(platform, only.as_deref(), async |tenant| {
            // Whom nothing is shown of is not looked into.
            if list.is_full() {
                return Ok(());
            }
            let ctx = reason.look(&gate, platform, &tenant.slug, "jobs list").await?;
            list.read(
                async |before, wanted| {
                    let jobs = domain::jobs::list(&ctx, &filter, before, wanted).await?;
                    let row = |job| Row { tenant: tenant.slug.clone(), job: Job::from(job) };
                    Ok(jobs.into_iter().map(row).collect())
                },
                |row: &Row| row.job.id,
            )
            .await
        })
        .await?;
        list.end()
    })
    .await
}
