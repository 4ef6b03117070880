//! Rows of the archive brought back from the command line, and let go again.

use domain::{
    Ctx,
    archive::restore::{self, Restored},
    ctx::Platform,
    tenancy::{SystemTx, store},
};
use uuid::Uuid;

use crate::{
    cli::{Failure, external, serve},
    config::Config,
};

pub(super) async fn restore(config: &Config, slug: &str, archive: Uuid) -> Result<(), Failure> {
    let platform = serve::connect(config, &external(config)?).await?;
    let ctx = of_tenant(&platform, slug).await?;
    let restored = restore::restore(&ctx, archive, &|| false).await?;
    platform.engine.close().await;
    match restored {
        Restored::All(rows) => {
            println!("{rows} rows can be looked into again, with `archived=true`");
            Ok(())
        }
        Restored::Damaged(why) => Err(format!("{why}; nothing of it is shown").into()),
        Restored::Busy => {
            Err("somebody else brings it back or lets it go at this moment; try again when that is over"
                .into())
        }
        Restored::Nothing | Restored::Stopped => {
            Err("there is no such archive of the audit log, or its rows have not left the database".into())
        }
    }
}

pub(super) async fn release(config: &Config, slug: &str, archive: Uuid) -> Result<(), Failure> {
    let platform = serve::connect(config, &external(config)?).await?;
    let ctx = of_tenant(&platform, slug).await?;
    restore::release(&ctx, archive).await?;
    platform.engine.close().await;
    println!("the rows of {archive} lie in the archive only");
    Ok(())
}

/// The product itself in a tenant.
async fn of_tenant(platform: &Platform, slug: &str) -> Result<Ctx, Failure> {
    let mut tx = SystemTx::begin(&platform.engine).await?;
    let tenant = store::by_slug(tx.conn(), slug).await?;
    let tenant = tenant.ok_or_else(|| format!("there is no tenant {slug}"))?.id;
    Ok(Ctx::itself(platform, tenant))
}
