//! A whole process under test.

use std::{path::PathBuf, sync::Arc};

use chrono::TimeDelta;
use domain::{
    access::{
        operators,
        tenants::{self, NewTenant},
        users::NewUser,
    },
    ctx::{OperatorCtx, Platform},
    outbound::OutboundPolicy,
    types::TenantId,
};
use switchboard::{
    platform::{self, KeySource},
    process::{Plan, Process, Roles},
    storage,
};
use uuid::Uuid;

use crate::{Client, Database, TestClock};

/// The password of every user that the fixture makes.
pub const PASSWORD: &str = "correct horse battery";
/// 32 zero bytes: a key for tests only.
pub(crate) const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// A process on a database of its own, with two tenants so that a leak between them shows.
pub struct TestApp {
    pub database: Database,
    pub process: Process,
    pub clock: TestClock,
    pub acme: Tenant,
    pub other: Tenant,
}

/// A tenant and its admin, logged in.
pub struct Tenant {
    pub id: TenantId,
    pub slug: &'static str,
    pub admin: Client,
}

impl TestApp {
    /// A process with every role.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn start() -> Self {
        Self::with_roles(Roles::ALL).await
    }

    /// A process with these roles.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn with_roles(roles: Roles) -> Self {
        Self::with(|plan| plan.roles = roles).await
    }

    /// A process with every role and with whatever else is to be different.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn with(change: impl FnOnce(&mut Plan)) -> Self {
        Self::with_platform(change, |_| {}).await
    }

    /// The same on a platform of which something is to be different, too.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn with_platform(change: impl FnOnce(&mut Plan), alter: impl FnOnce(&mut Platform)) -> Self {
        Self::on(Database::create().await, change, alter).await
    }

    /// The same on a database that is there.
    ///
    /// # Panics
    /// If a part does not start.
    pub async fn on(
        database: Database,
        change: impl FnOnce(&mut Plan),
        alter: impl FnOnce(&mut Platform),
    ) -> Self {
        let (mut platform, clock) = (platform(&database).await, TestClock::default());
        platform.clock = Arc::new(clock.clone());
        alter(&mut platform);
        let mut plan = Plan::unbounded(Roles::ALL, heads_file());
        plan.allowed_origins = vec!["https://ops.example.com".into()];
        change(&mut plan);
        let process = Process::start(platform, plan).await.expect("the process starts");
        let base = format!("http://{}", process.addr.expect("an address"));
        let acme = tenant(&process, &base, "acme").await;
        let other = tenant(&process, &base, "other").await;
        Self { database, process, clock, acme, other }
    }

    /// Moves both clocks on, the process's and the database's.
    ///
    /// # Panics
    /// If Postgres refuses.
    pub async fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
        self.database.advance(by.as_seconds_f64()).await;
    }

    /// Another user of the tenant, logged in.
    ///
    /// # Panics
    /// If the API refuses.
    pub async fn user(&self, tenant: &Tenant, role: &str) -> Client {
        let email = format!("{}-{}@example.com", role.to_lowercase(), self.process.app.platform.chance.id());
        let body = serde_json::json!({"name": role, "email": email, "password": PASSWORD, "role": role});
        tenant.admin.post("/api/v1/users", &body).await.expect(201);
        tenant.admin.anonymous().login(tenant.slug, &email, PASSWORD).await
    }

    /// Whoever has the machine.
    #[must_use]
    pub fn machine(&self) -> OperatorCtx {
        OperatorCtx::of_machine(&self.process.app.platform)
    }

    /// An operator of the installation, by a key that is good for a day.
    ///
    /// # Panics
    /// If somebody of this name has a key.
    pub async fn operator(&self, name: &str) -> Client {
        let (by, name) = (self.machine(), name.parse().expect("a name"));
        let expires_at = by.platform.clock.now() + TimeDelta::days(1);
        let made = operators::create(&by, &self.process.app.gate, &name, expires_at).await;
        self.acme.admin.with_bearer(&made.expect("an operator").1)
    }
}

/// Where nobody else keeps heads of audit logs.
#[must_use]
pub fn heads_file() -> PathBuf {
    folder().join(format!("heads-{}.json", Uuid::now_v7().simple()))
}

/// A folder that goes when the tests have ended, if `./x test` runs them.
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("TEST_FOLDER").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// Where files of tenants lie: one folder for all tests, since no two of them have the same tenant, and where processes
/// of their own look for them, too.
#[must_use]
pub fn files() -> PathBuf {
    folder().join("storage")
}

/// A second process's view of the same installation; it may call servers on this machine.
///
/// # Panics
/// If Postgres refuses.
pub async fn platform(database: &Database) -> Platform {
    let storage = storage::folder(&files()).expect("a folder");
    let platform = platform::assemble(database.engine().await, KeySource::Text(KEY), storage).expect("a key");
    platform::reaching(platform, OutboundPolicy { loopback: true, relays: Vec::new() }).expect("a client")
}

async fn tenant(process: &Process, base: &str, slug: &'static str) -> Tenant {
    let email = format!("admin@{slug}.example.com");
    let admin = NewUser {
        name: "Admin".parse().expect("a name"),
        email: email.parse().expect("an address"),
        password: Some(PASSWORD.into()),
        role: "Admin".into(),
    };
    let app = Arc::clone(&process.app);
    let (by, name) = (OperatorCtx::of_machine(&app.platform), slug.parse().expect("a name"));
    let new = NewTenant::named(slug, &name);
    let made = tenants::create_tenant(&by, &app.gate, &new, &admin).await.expect("a tenant");
    let made = made.fresh.expect("one that is new");
    Tenant { id: made.tenant.id, slug, admin: Client::new(base).login(slug, &email, PASSWORD).await }
}
