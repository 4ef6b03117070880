//! `archive`: old logs that have left the database for files, or are to.

use clap::Subcommand;
use domain::archive::{Log, ask, read};
use uuid::Uuid;

use super::{
    Failure, audit,
    output::{Columns, Form, Most},
    tenant::{Look, Of},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("ID", "/id"),
    ("LOG", "/log"),
    ("MONTH", "/month"),
    ("STATE", "/state"),
    ("ROWS", "/rows"),
    ("BYTES", "/bytes"),
    ("RESTORED", "/restored_at"),
    ("REFUSED", "/refused"),
];
const DUE: Columns = &[
    ("LOG", "/log"),
    ("MONTH", "/month"),
    ("ROWS", "/rows"),
    ("WAITS FOR ROWS", "/open"),
    ("ARCHIVE", "/archive"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// What lies in the archive, the newest months first.
    List {
        #[command(flatten)]
        look: Look,
        /// `audit_log` or `message_attempts`; both if not said.
        #[arg(long, value_parser = log)]
        log: Option<Log>,
        #[command(flatten)]
        most: Most,
    },
    /// One archive with its manifest and the signature over it.
    Show {
        #[command(flatten)]
        look: Look,
        id: Uuid,
    },
    /// Read all files row by row and go through the chain of the audit log. The exit code is 0 only if all hold.
    Verify {
        /// The slug or id of the only tenant to look at.
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Send what is past its keeping to the archive; the workers do it.
    Begin {
        #[command(flatten)]
        of: Of,
        /// Only show what would go.
        #[arg(long)]
        dry_run: bool,
    },
    /// Bring the rows of an archive of the audit log back, so that they are found beside the live ones.
    Restore {
        #[command(flatten)]
        of: Of,
        id: Uuid,
    },
    /// Let rows go again that were brought back. The archive stays.
    Release {
        #[command(flatten)]
        of: Of,
        id: Uuid,
    },
}

/// Which log, by its name.
fn log(text: &str) -> Result<Log, &'static str> {
    Log::named(text).ok_or("there are audit_log and message_attempts")
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify { tenant } => audit::verify(config, form, tenant, true).await,
        Command::Restore { of, id } => audit::restored::restore(config, form, &of, id).await,
        Command::Release { of, id } => audit::restored::release(config, form, &of, id).await,
        Command::List { look, log, most } => {
            with_platform(config, async |platform| {
                let ctx = look.enter(platform, "archive list").await?;
                let mut list = form.list(COLUMNS, most.limit);
                list.read(
                    async |before, wanted| Ok(read::list(&ctx, log, before, wanted).await?),
                    |archive| (archive.month, archive.id),
                )
                .await?;
                list.end()
            })
            .await
        }
        Command::Show { look, id } => {
            with_platform(config, async |platform| {
                form.one(&read::get(&look.enter(platform, "archive show").await?, id).await?)
            })
            .await
        }
        Command::Begin { of, dry_run } => {
            with_platform(config, async |platform| {
                let ctx = of.show(platform).await?;
                let answer = if dry_run {
                    ask::dry_run(&ctx).await?
                } else {
                    ask::archive(&ctx).await?.fresh.ok_or("this was asked for before")?
                };
                form.whole(&answer, &[("due", DUE)])
            })
            .await
        }
    }
}
