//! The product's API on a fault's database, and the admin of a tenant there.

use domain::{
    access::{
        tenants::{self, NewTenant},
        users::NewUser,
    },
    ctx::{OperatorCtx, Platform},
    outbound::OutboundPolicy,
    types::TenantId,
};
use engine::Engine;
use serde_json::json;
use switchboard::{
    demo::client::Client,
    platform::{self, KeySource},
    process::{Plan, Process, Roles},
    storage,
};
use uuid::Uuid;

use super::site::Site;
use crate::Outcome;

/// 32 zero bytes: a key for tests only.
pub const KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
const PASSWORD: &str = "correct horse battery";
const EMAIL: &str = "admin@office.example.com";
/// What providers would call, if anything reached us by it.
const PUBLIC_URL: &str = "https://calls.example.com";

pub struct Api {
    process: Process,
    pub client: Client,
}

impl Api {
    /// Starts it, founds a tenant and logs its admin in.
    pub async fn open(site: &Site) -> Outcome<Self> {
        let files = storage::folder(&site.home().join("storage"))?;
        let platform = platform::assemble(site.engine().await?, KeySource::Text(KEY), files)?;
        let here = OutboundPolicy { loopback: true, relays: Vec::new() };
        let platform =
            Platform { public_url: Some(PUBLIC_URL.into()), ..platform::reaching(platform, here)? };
        let heads = std::env::temp_dir().join(format!("heads-{}.json", Uuid::now_v7().simple()));
        let plan = Plan::unbounded(Roles { api: true, ..Roles::default() }, heads);
        let process = Process::start(platform, plan).await?;
        let (_, client) = found(&process, "office").await?;
        Ok(Self { process, client })
    }

    /// Founds another tenant and logs its admin in.
    pub async fn found(&self, slug: &str) -> Outcome<(TenantId, Client)> {
        found(&self.process, slug).await
    }

    /// What it works with.
    pub fn engine(&self) -> &Engine {
        &self.process.app.platform.engine
    }

    /// Stops it; its engine is the caller's to let go of.
    pub async fn close(self) -> Engine {
        let engine = self.process.app.platform.engine.clone();
        self.process.stop().await;
        engine
    }
}

async fn found(process: &Process, slug: &str) -> Outcome<(TenantId, Client)> {
    let admin = NewUser {
        name: "Admin".parse()?,
        email: EMAIL.parse()?,
        password: Some(PASSWORD.into()),
        role: "Admin".into(),
    };
    let (by, name) = (OperatorCtx::of_machine(&process.app.platform), "Office".parse()?);
    let made = tenants::create_tenant(&by, &process.app.gate, &NewTenant::named(slug, &name), &admin).await?;
    let base = format!("http://{}", process.addr.ok_or("the API has no address")?);
    let login = json!({"tenant": slug, "email": EMAIL, "password": PASSWORD});
    let tenant = made.fresh.ok_or("the tenant was made before")?.tenant.id;
    Ok((tenant, Client::login(base, &login).await?))
}
