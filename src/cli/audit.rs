//! `audit`: the record of who did what: what stands there, whether it is as it was written, and bringing back what lies in the
//! archive.

mod entries;
pub(super) mod restored;

use clap::Subcommand;
use domain::audit::{seal::Sealer, verify::Verified};
use serde::Serialize;
use uuid::Uuid;

use super::{
    Failure,
    exit::{Exit, words},
    output::{Columns, Form},
    progress,
    tenant::{self, Of},
    with_platform,
};
use crate::config::Config;

const COLUMNS: Columns = &[
    ("TENANT", "/tenant"),
    ("WHOLE", "/whole"),
    ("ROWS", "/rows"),
    ("IN THE ARCHIVE", "/archived"),
    ("NOT SEALED YET", "/unsealed"),
    ("BROKEN AT", "/breaks/0/seq"),
    ("", "/breaks/0/what"),
];

#[derive(Subcommand)]
pub(super) enum Command {
    /// What was done in a tenant, newest first. The look itself is written down there, too.
    List(entries::Wishes),
    /// Go through the chain of each tenant, or of one. The exit code is 0 only if all hold.
    Verify {
        /// The slug or id of the only tenant to look at.
        #[arg(long)]
        tenant: Option<String>,
        /// Also read all files of the archive, from the first row on.
        #[arg(long)]
        archive: bool,
    },
    /// Bring the rows of an archive back, so that they are found beside the live ones.
    Restore {
        #[command(flatten)]
        of: Of,
        /// Its id, as `switchboard archive list` tells it.
        archive: Uuid,
    },
    /// Let rows go again that were brought back. The archive stays.
    Release {
        #[command(flatten)]
        of: Of,
        archive: Uuid,
    },
}

/// What verifying the chain of a tenant came to.
#[derive(Serialize)]
struct Row {
    tenant: String,
    #[serde(flatten)]
    verified: Verified,
}

pub(super) async fn run(config: &Config, form: Form, command: Command) -> Result<(), Failure> {
    match command {
        Command::List(wishes) => entries::list(config, form, wishes).await,
        Command::Verify { tenant, archive } => verify(config, form, tenant, archive).await,
        Command::Restore { of, archive } => restored::restore(config, form, &of, archive).await,
        Command::Release { of, archive } => restored::release(config, form, &of, archive).await,
    }
}

/// Goes through chains, and with `files` through what lies in the archive as well.
pub(super) async fn verify(
    config: &Config,
    form: Form,
    only: Option<String>,
    files: bool,
) -> Result<(), Failure> {
    with_platform(config, async |platform| {
        let sealer = Sealer::open(platform, &config.audit_heads()).await?;
        let (mut list, mut broken) = (form.list(COLUMNS, None), 0);
        let gone = tenant::each(platform, only.as_deref(), async |tenant| {
            let verdict = progress::during("the chain is gone through", async {
                if files {
                    sealer.verify_with_files(tenant.id).await
                } else {
                    sealer.verify(tenant.id).await
                }
            })
            .await?;
            let verified = Verified::from(verdict);
            broken += i32::from(!verified.whole);
            // Who reads no further is not told by the exit code that all hold.
            list.page(&[Row { tenant: tenant.slug, verified }]).map_err(|error| {
                Exit::Failed.because(format!("what was found cannot be shown: {}", words(&*error)))
            })
        })
        .await;
        let ended = gone.and_then(|()| list.end());
        if broken == 0 {
            return ended;
        }
        let more = ended.err().map(|error| format!("; and then: {}", words(&*error))).unwrap_or_default();
        Err(Exit::Failed.because(format!(
            "the record of {broken} tenants does not hold; keep the database as it is and look who had access{more}"
        )))
    })
    .await
}
