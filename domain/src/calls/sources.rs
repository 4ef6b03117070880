//! Phone systems that tell of calls, as commands. Each has an address with a token in it, and a secret by which it signs
//! what it sends there; both are shown once. While a secret is replaced, the one before is good for a day yet. One that is
//! replaced again meanwhile goes at once: the phone system may not have heard of it, and signs by the first one still.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    store::{self, SourceRow},
    webhook,
};
use crate::{
    Ctx,
    access::permission::Permission,
    agents,
    audit::Entry,
    error::{Error, Result},
    tenancy::{Begun, Once, TenantTx},
    types::{CallSourceId, TeamId, TenantId, Text, nullable},
    vault::{
        Place, TenantKeys, Vault,
        cipher::{hex, sha256},
    },
};

/// For how long the secret before is good.
const OVERLAP: TimeDelta = TimeDelta::days(1);
/// What tokens begin with; the tenant follows, so that they are looked up behind its wall.
const PREFIX: &str = "sbc_";

/// A phone system to let in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCallSource {
    #[schema(value_type = String)]
    pub name: Text<100>,
    /// Whose agents take its calls that neither their lead, a rule nor the phone system says a team of. The tenant's
    /// default team if not said.
    pub default_team_id: Option<TeamId>,
}

/// What to change of a phone system; absent fields stay, null removes (RFC 7396).
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CallSourceChange {
    #[schema(value_type = Option<String>)]
    pub name: Option<Text<100>>,
    /// Whose agents take its calls that nothing else says a team of. Null: the tenant's default team.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub default_team_id: Option<Option<TeamId>>,
}

/// A phone system, without its token and secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CallSourceView {
    pub id: CallSourceId,
    pub name: String,
    /// Whose agents take its calls that nothing else says a team of.
    pub default_team_id: Option<TeamId>,
    /// When its secret was replaced last.
    pub rotated_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// What is to be set up in the phone system; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewCallSourceSecret {
    pub id: CallSourceId,
    /// Where its webhooks go, below the address of this installation. Whoever has it knows nothing yet: the signature
    /// counts.
    pub path: String,
    /// By which it signs (Standard Webhooks).
    pub secret: String,
}

/// Another secret; shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RotatedSecret {
    pub secret: String,
    /// Until when the one before is good as well; of several that are replaced within a day, the first.
    pub former_until: DateTime<Utc>,
}

/// Lets a phone system in.
///
/// # Errors
/// If the name is taken, or there is no such team.
pub async fn create(ctx: &Ctx, new: NewCallSource) -> Result<Once<NewCallSourceSecret>> {
    ctx.require(Permission::CallSourcesWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    known(&mut keyed.tx, new.default_team_id).await?;
    let id = CallSourceId(ctx.id());
    let token = format!("{PREFIX}{}_{}", ctx.tenant.0.simple(), hex(&ctx.platform.random::<32>()));
    let secret = webhook::secret(&ctx.platform.random::<32>());
    let keys = Vault::to_seal(&mut keyed.tx, 1).await?;
    let sealed = keys.seal(&ctx.platform, &place(ctx.tenant, SECRET, id), secret.as_bytes());
    let hash = sha256(token.as_bytes());
    let kept = (hash.as_slice(), sealed.as_slice());
    if !store::insert_source(keyed.tx.conn(), ctx.tenant, id, &new, kept).await? {
        return Err(taken());
    }
    keyed.tx.audit(&[Entry::new("create", "call_source", id).notice()]).await?;
    let made = NewCallSourceSecret { id, path: format!("/callbacks/calls/{token}"), secret };
    keyed.commit(made, 201, location(id)).await
}

/// Changes a phone system.
///
/// # Errors
/// If there is none, the name is taken, or there is no such team.
pub async fn change(ctx: &Ctx, id: CallSourceId, change: CallSourceChange) -> Result<CallSourceView> {
    ctx.require(Permission::CallSourcesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_source(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("call source"))?;
    ctx.expect_version("call source", None, held.version)?;
    known(&mut tx, change.default_team_id.flatten()).await?;
    if !store::update_source(tx.conn(), ctx.tenant, id, &change).await? {
        return Err(taken());
    }
    let detail = json!({ "default_team_id": change.default_team_id });
    tx.audit(&[Entry::new("update", "call_source", id).detail(detail)]).await?;
    let view = store::sources(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    tx.commit().await?;
    view.ok_or(Error::NotFound("call source"))
}

/// Refuses a default team that is not there; one that is stays until commit.
async fn known(tx: &mut TenantTx, team: Option<TeamId>) -> Result<()> {
    let (Some(team), tenant) = (team, tx.tenant) else { return Ok(()) };
    if agents::store::share_team(tx.conn(), tenant, team).await? {
        return Ok(());
    }
    Err(Error::invalid("/default_team_id", "there is no such team"))
}

fn taken() -> Error {
    Error::conflict("name-taken", "a call source with this name exists; choose another name")
}

fn location(id: CallSourceId) -> String {
    format!("/api/v1/call-sources/{id}")
}

/// Gives a phone system another secret. The one before is good for a day; while one is, it stays the one that is good
/// besides.
///
/// # Errors
/// If there is none.
pub async fn rotate(ctx: &Ctx, id: CallSourceId) -> Result<Once<RotatedSecret>> {
    ctx.require(Permission::CallSourcesWrite)?;
    ctx.require_all_rows()?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let held = store::lock_source(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("call source"))?;
    let keys = Vault::to_seal(tx, 2).await?;
    let secret = webhook::secret(&ctx.platform.random::<32>());
    let sealed = keys.seal(&ctx.platform, &place(ctx.tenant, SECRET, id), secret.as_bytes());
    let now = ctx.now();
    let kept = held.former_until.filter(|until| now < *until);
    let former_until = kept.unwrap_or(now + OVERLAP);
    let former = if kept.is_some() {
        None
    } else {
        let before = keys.open(&place(ctx.tenant, SECRET, id), &held.secret_sealed)?;
        Some(keys.seal(&ctx.platform, &place(ctx.tenant, FORMER, id), &before))
    };
    let former = former.as_deref().map(|former| (former, former_until));
    store::put_secret(tx.conn(), ctx.tenant, id, &sealed, former, now).await?;
    tx.audit(&[Entry::new("rotate", "call_source", id).notice()]).await?;
    keyed.commit(RotatedSecret { secret, former_until }, 200, location(id)).await
}

/// Newest first, those with ids below `before`.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn list(ctx: &Ctx, before: Option<CallSourceId>, limit: i64) -> Result<Vec<CallSourceView>> {
    ctx.require(Permission::CallSourcesRead)?;
    let mut tx = ctx.begin().await?;
    store::sources(tx.conn(), ctx.tenant, None, before, limit).await
}

/// # Errors
/// If there is no such source.
pub async fn get(ctx: &Ctx, id: CallSourceId) -> Result<CallSourceView> {
    ctx.require(Permission::CallSourcesRead)?;
    let mut tx = ctx.begin().await?;
    let found = store::sources(tx.conn(), ctx.tenant, Some(id), None, 1).await?.pop();
    found.ok_or(Error::NotFound("call source"))
}

/// Keeps a phone system out; its calls stay.
///
/// # Errors
/// If there is none.
pub async fn delete(ctx: &Ctx, id: CallSourceId) -> Result<()> {
    ctx.require(Permission::CallSourcesWrite)?;
    ctx.require_all_rows()?;
    let mut tx = ctx.begin().await?;
    let held = store::lock_source(tx.conn(), ctx.tenant, id).await?.ok_or(Error::NotFound("call source"))?;
    ctx.expect_version("call source", None, held.version)?;
    store::retire(tx.conn(), ctx.tenant, id).await?;
    tx.audit(&[Entry::new("delete", "call_source", id).notice()]).await?;
    tx.commit().await
}

/// The tenant that a token says it is of, and what is stored of it; none if it has another form.
pub(crate) fn read_token(token: &str) -> Option<(TenantId, [u8; 32])> {
    let (tenant, _) = token.strip_prefix(PREFIX)?.split_once('_')?;
    Some((TenantId(tenant.parse().ok()?), sha256(token.as_bytes())))
}

/// What is sealed of a source.
pub(crate) fn sealed(source: &SourceRow) -> impl Iterator<Item = &[u8]> {
    std::iter::once(source.secret_sealed.as_slice()).chain(source.former_secret_sealed.as_deref())
}

/// The secrets by which a source may sign at an instant.
pub(crate) fn secrets(
    keys: &TenantKeys,
    tenant: TenantId,
    source: &SourceRow,
    now: DateTime<Utc>,
) -> Result<Vec<String>> {
    let open = |column, sealed: &[u8]| -> Result<String> {
        let plain = keys.open(&place(tenant, column, source.id), sealed)?;
        String::from_utf8(plain.to_vec()).map_err(|_| Error::internal("a sealed secret is no text"))
    };
    let mut secrets = vec![open(SECRET, &source.secret_sealed)?];
    let former = source.former_secret_sealed.as_ref();
    if let Some(former) = former.filter(|_| source.former_until.is_some_and(|until| now < until)) {
        secrets.push(open(FORMER, former)?);
    }
    Ok(secrets)
}

const SECRET: &str = "secret_sealed";
const FORMER: &str = "former_secret_sealed";

fn place(tenant: TenantId, column: &'static str, source: CallSourceId) -> Place {
    Place { tenant, table: "call_sources", column, row: source.0 }
}
