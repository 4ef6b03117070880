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
//! same answer, and once the service was away nobody waits for it (`asking`). A process goes on with the wrapping key by which
//! it has opened something of the tenant, so a tenant has a few of them at most. Destroying a person's wrapped key erases them as before: the wrapping key alone opens nothing.
//! What a service takes back a process forgets when it ends.

use std::{
    error::Error as StdError,
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use quick_cache::sync::Cache;
use tokio::time::Instant;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{
    asking::Asking,
    cipher::{DataKey, open_with, seal_with, sha256},
    kek::KeyEncryptionKey,
    service::KeyService,
};
use crate::types::TenantId;

const FORM: u8 = 2;
/// Wrapping keys that are held open at a time, and tenants of which one is known.
const OPEN: usize = 10_000;
/// Keys that a process wraps under one of them. NIST SP 800-38D allows 2^32 random nonces for a key, and others may wrap
/// under it too.
const MOST: u32 = 1 << 24;

/// Wraps keys under wrapping keys of their tenants.
pub struct Envelope<S> {
    service: S,
    asking: Asking,
    /// By whose they are too: that one tenant's opens is no proof of what comes under another's name.
    open: Cache<(Option<TenantId>, Uuid), DataKey>,
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
    /// Asks the service for nothing yet: it may be away when a process starts.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self { service, asking: Asking::new(), open: Cache::new(OPEN), current: Cache::new(OPEN) }
    }

    /// The wrapping key under which a tenant's next key comes.
    async fn current(&self, of: Option<TenantId>) -> io::Result<Arc<Wrapping>> {
        loop {
            let wrapping = if let Some(wrapping) = self.current.get(&of) {
                wrapping
            } else {
                let begun = self.asking.begin()?;
                self.current.get_or_insert_async(&of, self.fresh(of, begun)).await?
            };
            if wrapping.takes_one_more() {
                return Ok(wrapping);
            }
            // Unless somebody else was faster, who has put a fresh one in its place.
            self.current.remove_if(&of, |found| Arc::ptr_eq(found, &wrapping));
        }
    }

    async fn fresh(&self, of: Option<TenantId>, begun: Instant) -> io::Result<Arc<Wrapping>> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut_slice()).map_err(io::Error::other)?;
        let sealed = self.asking.ask(begun, self.service.encrypt(of, &bytes)).await?;
        if u16::try_from(sealed.len()).is_err() {
            return Err(io::Error::other(
                "the key service answers with more than 64 KiB for a key of 32 bytes",
            ));
        }
        let key = DataKey { id: id_of(&sealed), bytes };
        self.open.insert((of, key.id), key.clone());
        Ok(Wrapping::new(key, sealed))
    }

    /// Opens a wrapping key, unless it is open.
    async fn opened(&self, of: Option<TenantId>, sealed: &[u8]) -> io::Result<DataKey> {
        let id = id_of(sealed);
        if let Some(key) = self.open.get(&(of, id)) {
            return Ok(key);
        }
        let begun = self.asking.begin()?;
        let asked = async {
            let bytes = self.asking.ask(begun, self.service.decrypt(of, sealed)).await?;
            io::Result::Ok(DataKey { id, bytes })
        };
        self.open.get_or_insert_async(&(of, id), asked).await
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
        let of = tenant_of(purpose);
        let key = self.opened(of, sealed).await?;
        let invalid = |why: Box<dyn StdError + Send + Sync>| io::Error::new(io::ErrorKind::InvalidData, why);
        let plain = open_with(&key, purpose, blob).map_err(|unreadable| invalid(unreadable.into()))?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| invalid("it is no key".into()))?;
        // By what it has opened of the tenant it is theirs.
        if !self.current.contains_key(&of) {
            self.current.insert(of, Wrapping::new(key, sealed.to_vec()));
        }
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

    use super::{
        super::{
            asking::PAUSE,
            cipher::length_prefixed,
            service::{Away, is_away},
        },
        *,
    };

    /// Remembers what it was asked for; its sealed keys are the keys turned about.
    #[derive(Default)]
    struct Service {
        asked: Mutex<Vec<(&'static str, Option<TenantId>)>>,
        away: Mutex<bool>,
    }

    impl Service {
        fn ask(&self, what: &'static str, of: Option<TenantId>) -> io::Result<()> {
            if *self.away.lock().expect("no panic inside") {
                return Err(Away::new("nobody answers").into());
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

    #[tokio::test(start_paused = true)]
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
        let still = second.unwrap(&purpose(1, 1), &wrapped).await.expect_err("nobody asks for a moment");
        assert!(is_away(&still), "{still}");
        tokio::time::advance(PAUSE).await;
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

    #[tokio::test]
    async fn a_wrapping_key_is_a_tenants_once_it_has_opened_something_of_theirs() {
        let service = Arc::new(Service::default());
        let wrapped =
            Envelope::new(Arc::clone(&service)).wrap(&purpose(1, 1), &[7; 32]).await.expect("wrapped");
        let envelope = Envelope::new(Arc::clone(&service));
        assert!(envelope.unwrap(&purpose(2, 1), &wrapped).await.is_err());
        assert!(!envelope.current.contains_key(&Some(TenantId(Uuid::from_u128(2)))), "it has proved nothing");
        let own = envelope.wrap(&purpose(2, 1), &[7; 32]).await.expect("wrapped");
        assert_ne!(parts(&own).map(|parts| parts.0), parts(&wrapped).map(|parts| parts.0));
        let before = service.count();
        envelope.unwrap(&purpose(1, 1), &wrapped).await.expect("open");
        assert_eq!(service.count() - before, 1, "what opened under another's name is asked for again");
    }

    /// Takes everything and answers nothing.
    struct Hole(Arc<AtomicU32>);

    #[async_trait]
    impl KeyService for Hole {
        fn name(&self) -> &'static str {
            "hole:1"
        }

        async fn encrypt(&self, _: Option<TenantId>, _: &[u8; 32]) -> io::Result<Vec<u8>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        }

        async fn decrypt(&self, _: Option<TenantId>, _: &[u8]) -> io::Result<Zeroizing<[u8; 32]>> {
            self.0.fetch_add(1, Ordering::Relaxed);
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_long_for_a_service_that_does_not_answer() {
        let asked = Arc::new(AtomicU32::new(0));
        let envelope = Arc::new(Envelope::new(Hole(Arc::clone(&asked))));
        let start = Instant::now();
        // Twenty of one tenant, and twenty tenants beside it.
        let all = (0..40).map(|number: u128| {
            let (envelope, of) = (Arc::clone(&envelope), purpose(number.saturating_sub(19), number));
            tokio::spawn(async move { envelope.wrap(&of, &[7; 32]).await.expect_err("nobody answers") })
        });
        for failure in all.collect::<Vec<_>>() {
            assert!(is_away(&failure.await.expect("it ends")));
        }
        assert!(start.elapsed() <= std::time::Duration::from_secs(5), "{:?}", start.elapsed());
        assert_eq!(asked.load(Ordering::Relaxed), 4, "few ask at a time");
        let again = Instant::now();
        envelope.wrap(&purpose(50, 1), &[7; 32]).await.expect_err("nobody answers");
        assert_eq!(again.elapsed(), std::time::Duration::ZERO, "nobody waits");
        tokio::time::advance(PAUSE).await;
        let (first, second) = (purpose(51, 1), purpose(52, 1));
        let (_, waited) = tokio::join!(envelope.wrap(&first, &[7; 32]), async {
            tokio::task::yield_now().await;
            let since = Instant::now();
            envelope.wrap(&second, &[7; 32]).await.expect_err("nobody answers");
            since.elapsed()
        });
        assert_eq!((asked.load(Ordering::Relaxed), waited), (5, std::time::Duration::ZERO), "one tries");
    }
}
