//! What every context of a process shares: engine, vault, clock, chance and providers.

use std::{path::Path, sync::Arc};

use chrono::{DateTime, Utc};
use domain::{
    ctx::{Chance, Clock, Platform},
    outbound::OutboundPolicy,
    storage::Storage,
    vault::{
        KekRing, Vault,
        envelope::Envelope,
        kek::{KeyEncryptionKey, LocalKek},
    },
};
use engine::Engine;
use uuid::Uuid;
use workers::{
    printer::Press,
    rim::{
        kms::{self, Kms},
        outbound::Outbound,
    },
};

/// The machine's own clock.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the time comes in")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}

/// The operating system's generator.
#[derive(Debug)]
pub struct OsChance;

impl Chance for OsChance {
    fn fill(&self, buffer: &mut [u8]) {
        getrandom::fill(buffer).expect("the operating system gives random bytes");
    }

    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Where the key-encryption key comes from.
#[derive(Clone)]
pub enum KeySource<'a> {
    /// 32 bytes in base64.
    Text(&'a str),
    /// A 0600 file, made at the first start.
    File(&'a Path),
    /// A service that never gives it away.
    Service(Box<kms::Settings>),
}

impl KeySource<'_> {
    /// # Errors
    /// If the key cannot be read or made, or the key service's address is none.
    pub fn read(self) -> std::io::Result<Arc<dyn KeyEncryptionKey>> {
        Ok(match self {
            Self::Text(text) => Arc::new(LocalKek::from_text(text)?),
            Self::File(path) => Arc::new(LocalKek::from_file(path)?),
            Self::Service(settings) => Arc::new(Envelope::new(Kms::new(*settings, Arc::new(SystemClock))?)),
        })
    }
}

/// Puts a platform together that calls only the public internet and knows of no address of its own.
///
/// # Errors
/// If the key cannot be read, or the key service's address is none.
pub fn assemble(engine: Engine, key: KeySource<'_>, storage: Storage) -> std::io::Result<Platform> {
    assemble_with(engine, KekRing::new(key.read()?), storage)
}

/// The same with several key-encryption keys.
///
/// # Errors
/// If the crypto library cannot be used.
pub fn assemble_with(engine: Engine, keks: KekRing, storage: Storage) -> std::io::Result<Platform> {
    let policy = Arc::<OutboundPolicy>::default();
    let outbound = Outbound::new(Arc::clone(&policy)).map_err(std::io::Error::other)?;
    Ok(Platform {
        engine,
        vault: Arc::new(Vault::with_ring(keks)),
        clock: Arc::new(SystemClock),
        chance: Arc::new(OsChance),
        providers: Arc::new(workers::providers::all(&outbound)),
        outbound: policy,
        storage,
        public_url: None,
        wordings: Arc::default(),
        reads: Arc::default(),
        rights_changed: Arc::default(),
        changes: Arc::default(),
        printer: Arc::new(Press::default()),
    })
}

/// The same platform where other servers may be called than those of the public internet.
///
/// # Errors
/// If the crypto library cannot be used.
pub fn reaching(platform: Platform, policy: OutboundPolicy) -> domain::Result<Platform> {
    let policy = Arc::new(policy);
    let providers = Arc::new(workers::providers::all(&Outbound::new(Arc::clone(&policy))?));
    Ok(Platform { outbound: policy, providers, ..platform })
}
