//! `audit`: whether the record of each tenant is as it was written, and bringing back what lies in the archive.

mod restored;

use clap::Subcommand;
use domain::{
    audit::seal::Sealer,
    tenancy::{self, SystemTx},
};
use uuid::Uuid;

use super::{Failure, external, serve};
use crate::config::Config;

/// Tenants looked up at a time.
const PAGE: i64 = 500;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Go through the chain of each tenant, or of one. The exit code is 0 only if all hold.
    Verify {
        /// The slug of the only tenant to look at.
        #[arg(long)]
        tenant: Option<String>,
        /// Also read all files of the archive, from the first row on.
        #[arg(long)]
        archive: bool,
    },
    /// Bring the rows of an archive back, so that they are found beside the live ones.
    Restore {
        /// The slug of its tenant.
        #[arg(long)]
        tenant: String,
        /// Its id, as `GET /api/v1/compliance/archives` tells it.
        archive: Uuid,
    },
    /// Let rows go again that were brought back. The archive stays.
    Release {
        /// The slug of its tenant.
        #[arg(long)]
        tenant: String,
        archive: Uuid,
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify { tenant, archive } => verify(config, tenant, archive).await,
        Command::Restore { tenant, archive } => restored::restore(config, &tenant, archive).await,
        Command::Release { tenant, archive } => restored::release(config, &tenant, archive).await,
    }
}

async fn verify(config: &Config, tenant: Option<String>, files: bool) -> Result<(), Failure> {
    let platform = serve::connect(config, &external(config)?).await?;
    let sealer = Sealer::open(&platform, &config.audit_heads()).await?;
    let (mut after, mut broken, mut found) = (String::new(), 0, 0);
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let page = tenancy::store::tenants(tx.conn(), &after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.slug);
        for one in page.iter().filter(|one| tenant.as_ref().is_none_or(|wanted| *wanted == one.slug)) {
            found += 1;
            let verdict =
                if files { sealer.verify_with_files(one.id).await? } else { sealer.verify(one.id).await? };
            let (rows, archived, unsealed) = (verdict.rows, verdict.archived, verdict.unsealed);
            match verdict.broken {
                None => println!(
                    "{:<30} {rows:>9} rows hold, {archived} of them in the archive, {unsealed} are not sealed yet",
                    one.slug
                ),
                Some(found) => {
                    broken += 1;
                    println!("{:<30} BROKEN at {}: {}", one.slug, found.seq, found.what);
                }
            }
        }
    }
    platform.engine.close().await;
    match (tenant, broken) {
        (Some(slug), _) if found == 0 => Err(format!("there is no tenant {slug}").into()),
        (_, 0) => Ok(()),
        (_, broken) => Err(format!(
            "the record of {broken} tenants does not hold; keep the database as it is and look who had access"
        )
        .into()),
    }
}
