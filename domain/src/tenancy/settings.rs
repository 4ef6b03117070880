//! What is settled about a tenant: some of it by its own people, the limits by the installation's operators.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{TenantTx, store};
use crate::{
    Ctx,
    access::{permission::Permission, second_factor},
    agents,
    audit::Entry,
    error::{Error, FieldError, Result},
    events::{Event, EventType},
    leads::terms,
    types::{Locale, TeamId, TenantId, Zone, nullable},
};

/// The highest limit of a kind.
const MOST: i32 = 1_000_000;
/// The longest that sessions are kept, and reports of imports, in days.
const LONGEST_SESSIONS: i32 = 365;
const LONGEST_IMPORTS: i32 = 3_650;
/// How long logs may lie in the database before they go to the archive, in days: a quarter of a year at hand (PCI DSS 4.0,
/// 10.5.1) and ten years.
const LOGS: (i32, i32) = (90, 3_660);

/// A tenant with its settings.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TenantView {
    pub id: TenantId,
    /// Its name at logins.
    pub slug: String,
    pub name: String,
    /// A name of the IANA database: schedules that name no zone are read in it.
    pub zone: String,
    /// A language tag (BCP 47), for whatever shows words, dates and numbers to the tenant's people.
    pub locale: String,
    pub limits: TenantLimits,
    pub retention: TenantRetention,
    /// Whether leads are found by the words of their names.
    pub search_names: bool,
    /// Whether whoever logs in has to set a second factor up before they may do anything else.
    pub second_factor_required: bool,
    /// Whose agents take an incoming call that neither its lead, a rule nor its source says a team of.
    pub default_team_id: Option<TeamId>,
    pub created_at: DateTime<Utc>,
    /// Since when everybody of it is kept out.
    pub suspended_at: Option<DateTime<Utc>>,
}

/// How much a tenant may have; the operators of the installation say so.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TenantLimits {
    /// Requests a second of all its users and keys together; null leaves it to the installation.
    pub requests_per_s: Option<i32>,
    /// Users who may come in; null is any number.
    pub most_users: Option<i32>,
}

/// How long is kept what is over.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct TenantRetention {
    /// Days that a session is shown after its end.
    pub sessions_days: i32,
    /// Days that an import tells what became of each row.
    pub imports_days: i32,
    /// Days that the audit log lies in the database before its months go to the archive.
    pub audit_days: i32,
    /// The same of attempts of sending messages.
    pub attempts_days: i32,
}

/// What the tenant itself changes; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// Schedules that are made from now on are read in it if they name none.
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub zone: Option<Zone>,
    #[schema(value_type = Option<String>, example = "de-AT")]
    pub locale: Option<Locale>,
    #[serde(default)]
    pub retention: RetentionChange,
    /// Whether leads are found by the words of their names. Whoever gets at the database can then see which leads share
    /// a word, though not which. A job goes through all leads.
    pub search_names: Option<bool>,
    /// Whether logins of users without a second factor are only good for setting one up. Whoever turns it on has one.
    pub second_factor_required: Option<bool>,
    /// Whose agents take an incoming call that nothing else says a team of. Null: nobody's.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub default_team_id: Option<Option<TeamId>>,
}

/// Another retention; what is absent stays.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetentionChange {
    /// 1 to 365.
    pub sessions_days: Option<i32>,
    /// 1 to 3650.
    pub imports_days: Option<i32>,
    /// 90 to 3660. A month leaves the database when no tenant of the installation wants it there any longer.
    pub audit_days: Option<i32>,
    /// 90 to 3660.
    pub attempts_days: Option<i32>,
}

/// Other limits; what is absent stays, null takes a limit away.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsChange {
    /// 1 to 1,000,000.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub requests_per_s: Option<Option<i32>>,
    /// 1 to 1,000,000.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i32>)]
    pub most_users: Option<Option<i32>>,
}

/// The caller's tenant.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn get(ctx: &Ctx) -> Result<TenantView> {
    ctx.require(Permission::TenantRead)?;
    let mut tx = ctx.begin().await?;
    read(&mut tx).await
}

/// Changes the caller's tenant.
///
/// # Errors
/// If a value is out of its bounds, there is no such team, or a second factor is demanded by somebody who has none.
pub async fn change(ctx: &Ctx, change: SettingsChange) -> Result<TenantView> {
    ctx.require(Permission::TenantWrite)?;
    change.retention.check()?;
    let mut tx = ctx.begin().await?;
    if let Some(wanted) = change.search_names {
        terms::hold_alone(&mut tx).await?;
        if read(&mut tx).await?.search_names != wanted {
            terms::index_all(&mut tx).await?;
        }
    }
    if let Some(team) = change.default_team_id.flatten()
        && !agents::store::share_team(tx.conn(), ctx.tenant, team).await?
    {
        return Err(Error::invalid("/default_team_id", "there is no such team"));
    }
    if let Some(wanted) = change.second_factor_required {
        demand_factor(ctx, &mut tx, wanted).await?;
    }
    store::update_settings(tx.conn(), ctx.tenant, &change).await?;
    tx.audit(&[Entry::new("update", "tenant", ctx.tenant).detail(change.detail()).notice()]).await?;
    let view = read(&mut tx).await?;
    tx.commit().await?;
    Ok(view)
}

/// What is to be done besides where a second factor is demanded from now on, or not any more: what was known of
/// everybody's rights is not believed, and sockets of whoever has none are closed.
async fn demand_factor(ctx: &Ctx, tx: &mut TenantTx, wanted: bool) -> Result<()> {
    if wanted {
        second_factor::may_demand(ctx, tx).await?;
    }
    if read(tx).await?.second_factor_required == wanted {
        return Ok(());
    }
    tx.emit(&[Event::new(EventType::AccessChanged, "tenant", ctx.tenant)]).await
}

async fn read(tx: &mut TenantTx) -> Result<TenantView> {
    let tenant = tx.tenant;
    store::views(tx.conn(), Some(tenant), "", 1).await?.pop().ok_or(Error::NotFound("tenant"))
}

/// Refuses where one more user could come in than the tenant may have. Asked under the lock of those who change users.
///
/// # Errors
/// A conflict if the tenant is full.
pub(crate) async fn room_for_one(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant;
    if store::is_full(tx.conn(), tenant).await? {
        let detail = "your tenant has as many users as it may have; keep somebody out first, or ask for more";
        return Err(Error::conflict("too-many-users", detail));
    }
    Ok(())
}

impl SettingsChange {
    fn detail(&self) -> Value {
        json!({
            "zone": self.zone.as_ref().map(Zone::as_str), "locale": self.locale.as_ref().map(Locale::as_str),
            "sessions_days": self.retention.sessions_days, "imports_days": self.retention.imports_days,
            "audit_days": self.retention.audit_days, "attempts_days": self.retention.attempts_days,
            "search_names": self.search_names, "second_factor_required": self.second_factor_required,
            "default_team_id": self.default_team_id,
        })
    }
}

impl RetentionChange {
    fn check(&self) -> Result<()> {
        bounded([
            ("/retention/sessions_days", self.sessions_days, (1, LONGEST_SESSIONS)),
            ("/retention/imports_days", self.imports_days, (1, LONGEST_IMPORTS)),
            ("/retention/audit_days", self.audit_days, LOGS),
            ("/retention/attempts_days", self.attempts_days, LOGS),
        ])
    }
}

impl LimitsChange {
    /// Whether nothing is to be changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.requests_per_s.is_none() && self.most_users.is_none()
    }

    /// # Errors
    /// If a limit is out of its bounds.
    pub(crate) fn check(&self) -> Result<()> {
        bounded([
            ("/limits/requests_per_s", self.requests_per_s.flatten(), (1, MOST)),
            ("/limits/most_users", self.most_users.flatten(), (1, MOST)),
        ])
    }
}

/// Names the values that are not from their least to their most.
fn bounded<const N: usize>(values: [(&str, Option<i32>, (i32, i32)); N]) -> Result<()> {
    let wrong = FieldError::out_of_bounds(values);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}
