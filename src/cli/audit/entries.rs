//! What was done, as the audit log of a tenant has it.

use chrono::TimeDelta;
use clap::{Args, builder::PossibleValuesParser};
use domain::{
    audit::read::{self, Filter},
    moment::Moment,
};
use uuid::Uuid;

use crate::{
    cli::{
        Failure,
        output::{Columns, Form, Most},
        tenant::Look,
        values::moment,
        with_platform,
    },
    config::Config,
    http::api::audit::range,
};

/// How far back is looked if it is not said.
const BACK: TimeDelta = TimeDelta::days(31);
const COLUMNS: Columns = &[
    ("AT", "/at"),
    ("BY", "/actor_kind"),
    ("ID", "/actor_id"),
    ("ACTION", "/action"),
    ("RESOURCE", "/resource"),
    ("OF", "/resource_id"),
    ("OUTCOME", "/outcome"),
    ("DETAIL", "/detail"),
];

/// Which entries.
#[derive(Args)]
pub(in crate::cli) struct Wishes {
    #[command(flatten)]
    look: Look,
    /// From this instant; 31 days before `to` if not said.
    #[arg(long, value_parser = moment)]
    from: Option<Moment>,
    /// Before this instant; now if not said. At most 92 days after `from`.
    #[arg(long, value_parser = moment)]
    to: Option<Moment>,
    /// A user or a key.
    #[arg(long)]
    actor: Option<Uuid>,
    /// For example `create`, `update`, `delete`, `look`, `login`.
    #[arg(long)]
    action: Option<String>,
    /// For example `lead`, `user`, `role`.
    #[arg(long)]
    resource: Option<String>,
    #[arg(long)]
    resource_id: Option<String>,
    #[arg(long, value_parser = PossibleValuesParser::new(["done", "denied"]))]
    outcome: Option<String>,
    /// Only what concerns security.
    #[arg(long)]
    security: bool,
    /// Also entries that were brought back from the archive.
    #[arg(long)]
    archived: bool,
    #[command(flatten)]
    most: Most,
}

pub(super) async fn list(config: &Config, form: Form, wishes: Wishes) -> Result<(), Failure> {
    with_platform(config, async |platform| {
        let ctx = wishes.look.enter(platform, "audit list").await?;
        let (from, to) = range(ctx.now(), wishes.from, wishes.to, BACK);
        let filter = Filter {
            actor: wishes.actor,
            action: wishes.action,
            resource: wishes.resource,
            resource_id: wishes.resource_id,
            denied: wishes.outcome.map(|outcome| outcome == "denied"),
            security: wishes.security,
            ..Filter::between(from, to)
        };
        let mut list = form.list(COLUMNS, wishes.most.limit);
        list.read(
            async |before, wanted| Ok(read::list(&ctx, &filter, wishes.archived, before, wanted).await?),
            |entry| (entry.at, entry.id),
        )
        .await?;
        list.end()
    })
    .await
}
