//! A key-encryption key that a service holds and never gives away: what it is asked for is one key of each tenant, under
//! which all others of that tenant are wrapped.
//!
//! Each person has a key, so a service that unwrapped each of them would be asked two hundred times for a page of
//! leads. Here a wrapped key carries, in front of itself, the tenant's wrapping key as the service sealed it:
//!
//! ```text
//! form (1) | length (2) | wrapping key, sealed by the service | key id (16) … as `cipher` has it
//! ```
//!
//! The service is asked once for each wrapping key and process; who asks for the same one at the same time waits for the
//! same answer. A process goes on with the wrapping key by which it has opened something of the tenant, so a tenant has a
//! few of them at most. Destroying a person's wrapped key erases them as before: the wrapping key alone opens nothing.
//! What a service takes back a process forgets when it ends.

use std::{
    error::Error as StdError,
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use quick_cache::sync::Cache;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    cipher::{DataKey, open_with, seal_with, sha256},
    kek::KeyEncryptionKey,
};
use crate::types::TenantId;

const FORM: u8 = 2;
/// Wrapping keys that are held open at a time, and tenants of which one is known.
const OPEN: usize = 10_000;
/// Keys that a process wraps under one of them. NIST SP 800-38D allows 2^32 random nonces for a key, and others may wrap
/// under it too.
const MOST: u32 = 1 << 24;

/// Whoever holds the key that does not leave it.
#[async_trait]
pub trait KeyService: Send + Sync + 'static {
    /// The name of the key, stored beside what is wrapped under it.
    fn name(&self) -> &str;
    /// Seals a wrapping key of a tenant, or of the installation.
    async fn encrypt(&self, of: Option<TenantId>, key: &[u8; 32]) -> io::Result<Vec<u8>>;
    /// Opens what [`Self::encrypt`] gave for the same tenant. That it is none of it is told by
    /// [`io::ErrorKind::InvalidData`], that the service is not reached by [`Away`] within the error.
    async fn decrypt(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<Zeroizing<[u8; 32]>>;
}

/// The key service does not answer, or does not let us use the key. Nothing was changed, and it may be tried again.
#[derive(Debug)]
pub struct Away(pub String);

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the key service cannot be used: {}", self.0)
    }
}

impl StdError for Away {}

impl From<Away> for io::Error {
    fn from(away: Away) -> Self {
        Self::other(away)
    }
}

/// Whether a failure comes of a key service that is away.
#[must_use]
pub fn is_away(failure: &(dyn StdError + 'static)) -> bool {
    let inner = failure.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.is_some_and(<dyn StdError + Send + Sync>::is::<Away>)
}

/// Wraps keys under wrapping keys of their tenants.
pub struct Envelope<S> {
    service: S,
    open: Cache<Uuid, DataKey>,
    current: Cache<Option<TenantId>, Arc<Wrapping>>,
}

/// A wrapping key in use.
struct Wrapping {
    key: DataKey,
    sealed: Vec<u8>,
    /// Keys that may still be wrapped under it here.
    left: AtomicU32,
}

impl Wrapping {
    fn new(key: DataKey, sealed: Vec<u8>) -> Arc<Self> {
        Arc::new(Self { key, sealed, left: AtomicU32::new(MOST) })
    }

    fn takes_one_more(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

impl<S: KeyService> Envelope<S> {
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service, open: Cache::new(OPEN), current: Cache::new(OPEN) }
    }

    /// The wrapping key under which a tenant's next key comes.
    async fn current(&self, of: Option<TenantId>) -> io::Result<Arc<Wrapping>> {
        loop {
            let wrapping = self.current.get_or_insert_async(&of, self.fresh(of)).await?;
            if wrapping.takes_one_more() {
                return Ok(wrapping);
            }
            // Unless somebody else was faster, who has put a fresh one in its place.
            self.current.remove_if(&of, |found| Arc::ptr_eq(found, &wrapping));
        }
    }

    async fn fresh(&self, of: Option<TenantId>) -> io::Result<Arc<Wrapping>> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
        let sealed = self.service.encrypt(of, &bytes).await?;
        if u16::try_from(sealed.len()).is_err() {
            return Err(io::Error::other(
                "the key service answers with more than 64 KiB for a key of 32 bytes",
            ));
        }
        let key = DataKey { id: id_of(&sealed), bytes };
        self.open.insert(key.id, key.clone());
        Ok(Wrapping::new(key, sealed))
    }

    /// Opens a wrapping key, unless it is open.
    async fn opened(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<DataKey> {
        let id = id_of(sealed);
        let asked = async { io::Result::Ok(DataKey { id, bytes: self.service.decrypt(of, sealed).await? }) };
        let key = self.open.get_or_insert_async(&id, asked).await?;
        if !self.current.contains_key(&of) {
            self.current.insert(of, Wrapping::new(key.clone(), sealed.to_vec()));
        }
        Ok(key)
    }
}

#[async_trait]
impl<S: KeyService> KeyEncryptionKey for Envelope<S> {
    fn name(&self) -> &str {
        self.service.name()
    }

    async fn wrap(&self, purpose: &[u8], key: &[u8; 32]) -> io::Result<Vec<u8>> {
        let wrapping = self.current(tenant_of(purpose)).await?;
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(io::Error::other)?;
        let length = u16::try_from(wrapping.sealed.len()).map_err(io::Error::other)?;
        let blob = seal_with(&wrapping.key, nonce, purpose, key);
        Ok([&[FORM][..], &length.to_be_bytes(), &wrapping.sealed, &blob].concat())
    }

    async fn unwrap(&self, purpose: &[u8], wrapped: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
        let (sealed, blob) = parts(wrapped).ok_or_else(|| {
            let why = "this key was not wrapped by a key service; start with the key file it was made with";
            io::Error::new(io::ErrorKind::InvalidData, why)
        })?;
        let key = self.opened(tenant_of(purpose), sealed).await?;
        let invalid = |why: Box<dyn StdError + Send + Sync>| io::Error::new(io::ErrorKind::InvalidData, why);
        let plain = open_with(&key, purpose, blob).map_err(|unreadable| invalid(unreadable.into()))?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| invalid("it is no key".into()))?;
        Ok(Zeroizing::new(bytes))
    }
}

/// The sealed wrapping key, and what is wrapped under it.
fn parts(wrapped: &[u8]) -> Option<(&[u8], &[u8])> {
    let (head, rest) = wrapped.split_first_chunk::<3>()?;
    let length = u16::from_be_bytes([head[1], head[2]]);
    (head[0] == FORM).then_some(rest)?.split_at_checked(length.into())
}

/// A name for a sealed wrapping key that tells nothing of it.
fn id_of(sealed: &[u8]) -> Uuid {
    Uuid::from_slice(&sha256(sealed)[..16]).unwrap_or_default()
}

/// The tenant that a purpose names, which is its second part if it is one of [`keys`](super::keys). All other keys are
/// the installation's.
fn tenant_of(purpose: &[u8]) -> Option<TenantId> {
    let (kind, rest) = part(purpose)?;
    let (tenant, _) = part(rest)?;
    let is_of_tenant = [&b"tenant key"[..], b"subject key"].contains(&kind);
    is_of_tenant.then(|| Uuid::from_slice(tenant).ok()).flatten().map(TenantId)
}

/// The first of length-prefixed parts, and what follows.
fn part(joined: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = joined.split_first_chunk::<8>()?;
    rest.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::{super::cipher::length_prefixed, *};

    /// Remembers what it was asked for; its sealed keys are the keys turned about.
    #[derive(Default)]
    struct Service {
        asked: Mutex<Vec<(&'static str, Option<TenantId>)>>,
        away: Mutex<bool>,
    }

    impl Service {
        fn ask(&self, what: &'static str, of: Option<TenantId>) -> io::Result<()> {
            if *self.away.lock().expect("no panic inside") {
                return Err(Away("nobody answers".into()).into());
            }
            self.asked.lock().expect("no panic inside").push((what, of));
            Ok(())
        }

        fn count(&self) -> usize {
            self.asked.lock().expect("no panic inside").len()
        }
    }

    #[async_trait]
    impl KeyService for Arc<Service> {
        fn name(&self) -> &'static str {
            "fake:1"
        }

        async fn encrypt(&self, of: Option<TenantId>, key: &[u8; 32]) -> io::Result<Vec<u8>> {
            tokio::task::yield_now().await;
            self.ask("encrypt", of)?;
            Ok(key.iter().map(|byte| !byte).collect())
        }

        async fn decrypt(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
            tokio::task::yield_now().await;
            self.ask("decrypt", of)?;
            let key: Vec<u8> = sealed.iter().map(|byte| !byte).collect();
            key.try_into().map(Zeroizing::new).map_err(|_| io::ErrorKind::InvalidData.into())
        }
    }

    fn purpose(tenant: u128, subject: u128) -> Vec<u8> {
        let (tenant, subject) = (Uuid::from_u128(tenant), Uuid::from_u128(subject));
        length_prefixed(&[b"subject key", tenant.as_bytes(), subject.as_bytes()])
    }

    #[tokio::test]
    async fn the_service_is_asked_once_for_all_keys_of_a_tenant() {
        let service = Arc::new(Service::default());
        let first = Envelope::new(Arc::clone(&service));
        let mut wrapped = Vec::new();
        for subject in 0..200 {
            wrapped.push(first.wrap(&purpose(1, subject), &[7; 32]).await.expect("wrapped"));
        }
        let other = first.wrap(&purpose(2, 0), &[8; 32]).await.expect("wrapped");
        let installation = first.wrap(b"signer", &[9; 32]).await.expect("wrapped");
        assert_eq!(service.count(), 3);

        let second = Arc::new(Envelope::new(Arc::clone(&service)));
        let asked = wrapped.iter().zip(0..).map(|(wrapped, subject)| {
            let (second, wrapped) = (Arc::clone(&second), wrapped.clone());
            tokio::spawn(async move { second.unwrap(&purpose(1, subject), &wrapped).await.expect("open") })
        });
        for opened in asked.collect::<Vec<_>>() {
            assert_eq!(*opened.await.expect("it ends"), [7; 32]);
        }
        assert_eq!(service.count(), 4, "those who ask at once wait for one answer");
        assert_eq!(*second.unwrap(&purpose(2, 0), &other).await.expect("open"), [8; 32]);
        assert_eq!(*second.unwrap(b"signer", &installation).await.expect("open"), [9; 32]);
        // It goes on with the wrapping key that it has met.
        let more = second.wrap(&purpose(1, 500), &[7; 32]).await.expect("wrapped");
        assert_eq!(parts(&more).map(|parts| parts.0), parts(&wrapped[0]).map(|parts| parts.0));
        assert_eq!(service.count(), 6);
        let tenants: Vec<_> = service
            .asked
            .lock()
            .expect("no panic inside")
            .iter()
            .map(|(_, of)| of.map(|of| of.0.as_u128()))
            .collect();
        assert_eq!(tenants, [Some(1), Some(2), None, Some(1), Some(2), None]);
    }

    #[tokio::test]
    async fn a_wrapped_key_opens_for_its_own_purpose_and_whole() {
        let envelope = Envelope::new(Arc::new(Service::default()));
        let wrapped = envelope.wrap(&purpose(1, 1), &[7; 32]).await.expect("wrapped");
        for (purpose, wrapped) in [
            (purpose(1, 2), wrapped.clone()),
            (purpose(2, 1), wrapped.clone()),
            (purpose(1, 1), wrapped[..wrapped.len() - 1].to_vec()),
            (purpose(1, 1), wrapped[1..].to_vec()),
            (purpose(1, 1), vec![FORM, 255, 255]),
            (purpose(1, 1), Vec::new()),
        ] {
            let refused = envelope.unwrap(&purpose, &wrapped).await.err().map(|error| error.kind());
            assert_eq!(refused, Some(io::ErrorKind::InvalidData), "{wrapped:?}");
        }
    }

    #[tokio::test]
    async fn a_service_that_was_away_is_asked_again() {
        let service = Arc::new(Service::default());
        let (first, second) = (Envelope::new(Arc::clone(&service)), Envelope::new(Arc::clone(&service)));
        let wrapped = first.wrap(&purpose(1, 1), &[7; 32]).await.expect("wrapped");
        *service.away.lock().expect("no panic inside") = true;
        let failure = second.unwrap(&purpose(1, 1), &wrapped).await.expect_err("nobody answers");
        assert!(is_away(&failure), "{failure}");
        assert!(second.wrap(&purpose(1, 1), &[7; 32]).await.is_err());
        assert!(first.unwrap(&purpose(1, 1), &wrapped).await.is_ok(), "what is open stays open");
        *service.away.lock().expect("no panic inside") = false;
        assert_eq!(*second.unwrap(&purpose(1, 1), &wrapped).await.expect("open"), [7; 32]);
    }

    #[tokio::test]
    async fn a_wrapping_key_is_left_before_it_has_wrapped_too_much() {
        let service = Arc::new(Service::default());
        let envelope = Envelope::new(Arc::clone(&service));
        let first = envelope.wrap(b"x", &[7; 32]).await.expect("wrapped");
        let current = envelope.current.get(&None).expect("it is in use");
        current.left.store(0, Ordering::Relaxed);
        let next = envelope.wrap(b"x", &[7; 32]).await.expect("wrapped");
        assert_ne!(parts(&first).map(|parts| parts.0), parts(&next).map(|parts| parts.0));
        assert_eq!(service.count(), 2);
    }
}
