//! Who is asking, for which tenant, with which rights: no database call goes without it.
//!
//! A [`Ctx`] is made in two places only, HTTP authentication and the worker runtime, and by the product where it acts of
//! [itself](Ctx::itself). Time and chance come with it, so that a test can hold both still.

use std::{
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use chrono::{DateTime, Utc};
use engine::{Engine, enqueue::Provenance};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    access::{
        changes::Changes,
        permission::{Permission, PermissionSet},
        rights::Rights,
        rows::Rows,
    },
    analytics::export::printer::Printer,
    error::{Error, Result},
    expected::Expected,
    messages::{provider::Providers, wording::Wordings},
    outbound::OutboundPolicy,
    processing::reads::{Opens, Reads},
    storage::Storage,
    tenancy::{Begun, Idempotency, TenantTx},
    trace,
    types::{ApiKeyId, OperatorId, SessionId, TenantId, UserId},
    vault::{Personal, Vault},
};

/// The wall clock, for stamps and expiry. Due times are compared with the database's clock instead.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> DateTime<Utc>;
}

/// Random bytes and fresh ids.
pub trait Chance: Send + Sync + 'static {
    /// Fills the buffer with bytes fit for keys and nonces.
    fn fill(&self, buffer: &mut [u8]);
    /// A UUIDv7.
    fn id(&self) -> Uuid;
}

/// What every context of a process shares.
#[derive(Clone)]
pub struct Platform {
    pub engine: Engine,
    pub vault: Arc<Vault>,
    pub clock: Arc<dyn Clock>,
    pub chance: Arc<dyn Chance>,
    pub providers: Arc<Providers>,
    /// Which servers a tenant may have called.
    pub outbound: Arc<OutboundPolicy>,
    /// Where files of tenants lie.
    pub storage: Storage,
    /// Where the outside reaches this installation, for example `https://calls.example.com` without a slash at its
    /// end: the beginning of addresses for callbacks and of links that people follow. None if nobody said it.
    pub public_url: Option<Arc<str>>,
    /// Versions of templates, ready to be filled in.
    pub wordings: Arc<Wordings>,
    /// Whose data was opened for whom, until it is written down.
    pub reads: Arc<Reads>,
    /// Grows when somebody's rights have changed: what was found out about rights before is not believed any more.
    pub rights_changed: Arc<AtomicU64>,
    /// Whose they were, as far as this process has read.
    pub changes: Arc<Changes>,
    /// Makes pages of reports.
    pub printer: Arc<dyn Printer>,
}

impl Platform {
    /// Random bytes as an array.
    #[must_use]
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.chance.fill(&mut bytes);
        bytes
    }
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    User(UserId),
    ApiKey(ApiKeyId),
    /// Who runs the installation, and looks into the tenant.
    Operator(OperatorId),
    /// The product itself: the command line and upkeep.
    System,
}

impl Actor {
    /// The kind as the audit log names it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::User(_) => "user",
            Self::ApiKey(_) => "api_key",
            Self::Operator(_) => "operator",
            Self::System => "system",
        }
    }

    /// As the subject of an event names it.
    #[must_use]
    pub fn subject(&self) -> String {
        format!("{}:{}", self.kind(), self.id().unwrap_or_default())
    }

    /// The id of the user, key or operator; none for the product itself.
    #[must_use]
    pub fn id(&self) -> Option<Uuid> {
        match self {
            Self::User(user) => Some(user.0),
            Self::ApiKey(key) => Some(key.0),
            Self::Operator(operator) => Some(operator.0),
            Self::System => None,
        }
    }
}

/// The context of one request or one attempt.
#[derive(Clone)]
pub struct Ctx {
    pub platform: Platform,
    pub tenant: TenantId,
    pub actor: Actor,
    /// The login that a user acts by; none of keys and of work.
    pub session: Option<SessionId>,
    /// The user has to set a second factor up first, and holds no permission until then.
    pub enrols: bool,
    pub grants: PermissionSet,
    /// Which leads it is about, with what belongs to them.
    pub rows: Rows,
    /// Why it opens people's data.
    pub opens: Opens,
    /// Requests a second that its tenant may make; none if that is the installation's to say.
    pub pace: Option<u32>,
    /// The request id, carried over the queue.
    pub trace: Option<String>,
    /// The Idempotency-Key of this request, if it carried one.
    pub idempotency: Option<Idempotency>,
    /// Which versions of what it changes the request was made for, if it said so.
    pub expected: Option<Expected>,
    /// How long a statement may take, where somebody looks at an empty page meanwhile.
    pub patience: Option<Duration>,
}

impl Ctx {
    /// The product itself in a tenant, where nobody asked for it: it may do everything.
    #[must_use]
    pub fn itself(platform: &Platform, tenant: TenantId) -> Self {
        Self {
            platform: platform.clone(),
            tenant,
            actor: Actor::System,
            session: None,
            enrols: false,
            grants: PermissionSet::all(),
            rows: Rows::All,
            opens: Opens::ForWork,
            pace: None,
            trace: None,
            idempotency: None,
            expected: None,
            patience: None,
        }
    }

    /// The clock's time.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.platform.clock.now()
    }

    /// A fresh UUIDv7.
    #[must_use]
    pub fn id(&self) -> Uuid {
        self.platform.chance.id()
    }

    /// What may be done, and with whose leads.
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights { permissions: self.grants, scope: self.rows.scope() }
    }

    /// # Errors
    /// [`Error::Forbidden`] names the permission that is missing; [`Error::FactorDemanded`] if none is held before a second
    /// factor is set up.
    pub fn require(&self, permission: Permission) -> Result<()> {
        self.require_enrolled()?;
        if self.grants.contains(permission) { Ok(()) } else { Err(Error::Forbidden(permission.as_str())) }
    }

    /// For what is not about the caller themselves.
    ///
    /// # Errors
    /// [`Error::FactorDemanded`] if a second factor has to be set up first.
    pub fn require_enrolled(&self) -> Result<()> {
        if self.enrols { Err(Error::FactorDemanded) } else { Ok(()) }
    }

    /// # Errors
    /// [`Error::Beyond`] unless all leads are seen, [`Error::FactorDemanded`].
    pub fn require_all_rows(&self) -> Result<()> {
        self.require_enrolled()?;
        if self.rows == Rows::All {
            return Ok(());
        }
        Err(Error::beyond("", "this is about all leads, and you see only some of them; act on single ones"))
    }

    /// A personal value, in full for whoever may see it.
    #[must_use]
    pub fn seen(&self, plain: Option<String>, mask: fn(&str) -> String) -> Option<Personal<String>> {
        let plain = plain?;
        let full = self.grants.contains(Permission::PersonalRead);
        Some(Personal::new(if full { plain } else { mask(&plain) }))
    }

    /// A value that may say anything personal, for whoever may see it.
    #[must_use]
    pub fn seen_whole<T>(&self, plain: Option<T>) -> Option<T> {
        plain.filter(|_| self.grants.contains(Permission::PersonalRead))
    }

    /// On whose behalf jobs of this context run.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let actor = serde_json::to_value(self.actor).unwrap_or_default();
        Provenance { actor, trace: trace::kept(self.trace.as_deref()) }
    }

    /// The same as the product itself: for what comes with time, whoever did what it comes of.
    #[must_use]
    pub fn by_itself(&self) -> Self {
        Self { actor: Actor::System, session: None, enrols: false, ..self.clone() }
    }

    /// A transaction behind the tenant's wall.
    ///
    /// # Errors
    /// If no connection can be had.
    pub async fn begin(&self) -> Result<TenantTx> {
        TenantTx::begin(self).await
    }

    /// The same for a request that may carry an Idempotency-Key: it begins once for each key.
    ///
    /// # Errors
    /// A conflict if the key came with another body before, or is in use at this moment.
    pub async fn begin_once(&self) -> Result<Begun> {
        TenantTx::begin_once(self).await
    }
}

/// Who acts on the installation, outside of every tenant.
#[derive(Clone)]
pub struct OperatorCtx {
    pub platform: Platform,
    /// An operator, or the product itself for whoever sits at its command line.
    pub actor: Actor,
    /// As tenants read it in their audit logs.
    pub name: String,
    /// The request id.
    pub trace: Option<String>,
    /// The Idempotency-Key of this request, if it carried one.
    pub idempotency: Option<Idempotency>,
}

impl OperatorCtx {
    /// Whoever has the machine, with its key and its database.
    #[must_use]
    pub fn of_machine(platform: &Platform) -> Self {
        let (platform, name) = (platform.clone(), "command line".into());
        Self { platform, actor: Actor::System, name, trace: None, idempotency: None }
    }
}
