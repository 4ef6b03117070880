//! Whose things a command is about, and with which rights it sees and does them: whoever looks into a tenant from here is an
//! operator, sees nothing personal and is written down there; whoever does something is the product itself.

use domain::{
    Ctx, Error,
    access::{
        gate::Gate,
        permission::{Permission, PermissionSet},
    },
    ctx::{OperatorCtx, Platform},
    processing::reads::Opens,
    tenancy::{SystemTx, store},
};
use engine::Engine;
use uuid::Uuid;

use super::Failure;

/// Tenants looked up at a time.
const PAGE: i64 = 500;

/// A tenant that something is done in.
#[derive(Debug, clap::Args)]
pub(super) struct Of {
    /// Its slug, or its id.
    #[arg(long)]
    tenant: String,
}

/// A tenant that is looked into.
#[derive(Debug, clap::Args)]
pub(super) struct Look {
    /// Its slug, or its id.
    #[arg(long)]
    tenant: String,
    #[command(flatten)]
    reason: Reason,
}

/// Why somebody looks.
#[derive(Debug, clap::Args)]
pub(super) struct Reason {
    /// For those who wonder later: the look stands in the tenant's audit log with it.
    #[arg(long, default_value = "")]
    why: String,
}

impl Of {
    /// The product itself in the tenant: it may do everything.
    pub(super) async fn act(&self, platform: &Platform) -> Result<Ctx, Failure> {
        Ok(Ctx::itself(platform, find(&platform.engine, &self.tenant).await?.id))
    }

    /// The same for what is shown: nothing personal is.
    pub(super) async fn show(&self, platform: &Platform) -> Result<Ctx, Failure> {
        Ok(masked(self.act(platform).await?))
    }
}

impl Look {
    /// A context that only reads. The look is in the tenant's audit log by then.
    pub(super) async fn enter(&self, platform: &Platform, asked: &str) -> Result<Ctx, Failure> {
        let tenant = find(&platform.engine, &self.tenant).await?;
        self.reason.look(&Gate::open(platform).await?, platform, &tenant.slug, asked).await
    }
}

impl Reason {
    /// The same through a gate that is open, for whoever looks into many.
    pub(super) async fn look(
        &self,
        gate: &Gate,
        platform: &Platform,
        slug: &str,
        asked: &str,
    ) -> Result<Ctx, Failure> {
        Ok(gate.look(&OperatorCtx::of_machine(platform), slug, &self.why, asked).await?)
    }
}

/// A context to which names, numbers and addresses are masked.
pub(super) fn masked(ctx: Ctx) -> Ctx {
    let grants: PermissionSet =
        Permission::ALL.iter().copied().filter(|one| *one != Permission::PersonalRead).collect();
    Ctx { grants, opens: Opens::ToShow, ..ctx }
}

/// The tenant of this slug or id.
pub(super) async fn find(engine: &Engine, named: &str) -> Result<store::Tenant, Failure> {
    let mut tx = SystemTx::begin(engine).await?;
    let mut found = store::by_slug(tx.conn(), named).await?;
    if found.is_none()
        && let Ok(id) = Uuid::try_parse(named)
        && let Some(by_id) = store::names(tx.conn(), &[id]).await?.pop()
    {
        found = store::by_slug(tx.conn(), &by_id.slug).await?;
    }
    tx.commit().await?;
    Ok(found.ok_or(Error::NotFound("tenant"))?)
}

/// Goes through all tenants in the order of their slugs, and the installation itself; or through one.
pub(super) async fn each(
    platform: &Platform,
    only: Option<&str>,
    mut visit: impl AsyncFnMut(store::Tenant) -> Result<(), Failure>,
) -> Result<(), Failure> {
    if let Some(named) = only {
        return visit(find(&platform.engine, named).await?).await;
    }
    let mut after = String::new();
    loop {
        let mut tx = SystemTx::begin(&platform.engine).await?;
        let page = store::tenants(tx.conn(), &after, PAGE).await?;
        tx.commit().await?;
        let Some(last) = page.last() else { return Ok(()) };
        after.clone_from(&last.slug);
        for tenant in page {
            visit(tenant).await?;
        }
    }
}
