//! `audit verify`: whether the record of each tenant is as it was written.

use clap::Subcommand;
use domain::{
    audit::seal::Sealer,
    tenancy::{self, SystemTx},
};

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
    },
}

pub(super) async fn run(config: &Config, command: Command) -> Result<(), Failure> {
    let Command::Verify { tenant } = command;
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
            let verdict = sealer.verify(one.id).await?;
            let (rows, unsealed) = (verdict.rows, verdict.unsealed);
            match verdict.broken {
                None => println!("{:<30} {rows:>9} rows hold, {unsealed} are not sealed yet", one.slug),
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
