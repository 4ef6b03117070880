//! An installation with one tenant, its admin, and a clock that is turned on by hand.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use chrono::{DateTime, TimeDelta, Utc};
use domain::{
    access::{
        gate::{Gate, Session},
        tenants::{self, NewTenant},
        users::NewUser,
    },
    ctx::{Clock, OperatorCtx, Platform},
    types::TenantId,
};
use switchboard::{
    platform::{self, KeySource, SystemClock},
    storage,
};

use crate::{Outcome, database::Database};

pub const SLUG: &str = "house";
pub const EMAIL: &str = "admin@house.example.com";
pub const PASSWORD: &str = "correct horse battery";
/// 32 zero bytes: a key for tests only.
pub const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

pub struct House {
    pub database: Database,
    pub platform: Platform,
    pub gate: Gate,
    pub tenant: TenantId,
    pub clock: Ahead,
}

/// The machine's clock, some seconds ahead.
#[derive(Clone, Default)]
pub struct Ahead(Arc<AtomicI64>);

impl Ahead {
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Ahead {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

impl House {
    pub async fn open() -> Outcome<Self> {
        let (database, clock) = (Database::migrated().await?, Ahead::default());
        let files = storage::folder(&database.files())?;
        let mut platform = platform::assemble(database.engine().await?, KeySource::Text(KEY), files)?;
        platform.clock = Arc::new(clock.clone());
        let gate = Gate::open(&platform).await?;
        let tenant = found(&platform, &gate, SLUG).await?;
        Ok(Self { database, platform, gate, tenant, clock })
    }

    /// Another tenant with the same admin.
    pub async fn found(&self, slug: &str) -> Outcome<TenantId> {
        found(&self.platform, &self.gate, slug).await
    }

    /// Another session of the admin.
    pub async fn login(&self) -> Outcome<Session> {
        let home = IpAddr::from([127, 0, 0, 1]);
        Ok(self.gate.login((SLUG, EMAIL, PASSWORD), None, home, "bench", None).await?)
    }

    pub async fn close(self) -> Outcome<()> {
        self.platform.engine.close().await;
        self.database.drop().await
    }
}

async fn found(platform: &Platform, gate: &Gate, slug: &str) -> Outcome<TenantId> {
    let admin = NewUser {
        name: "Admin".parse()?,
        email: EMAIL.parse()?,
        password: Some(PASSWORD.into()),
        role: "Admin".into(),
    };
    let (by, name) = (OperatorCtx::of_machine(platform), "House".parse()?);
    let founded = tenants::create_tenant(&by, gate, &NewTenant::named(slug, &name), &admin).await?;
    Ok(founded.fresh.ok_or("the tenant was made before")?.tenant.id)
}
