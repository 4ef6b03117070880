//! One tail of the log for the whole process, fanned out to the sockets' bounded queues: `tail` reads it, and `sweep` does what
//! comes with time.

mod sweep;
mod tail;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use domain::{ctx::Platform, events::sockets::Counted, types::TenantId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    interest::Interest,
    listener::Listener,
    room::{Audience, Room},
    seat::{QUEUE, Seat, Shared},
    settings::Settings,
};

/// Sockets that read the log at a time: those that are live wait for none of them.
const READERS: usize = 4;

/// Where sockets sign up. Cheap to clone.
#[derive(Clone)]
pub struct Hub {
    rooms: Arc<Mutex<HashMap<Uuid, Room>>>,
    numbers: Arc<AtomicU64>,
    places: Arc<Semaphore>,
    /// For those who read the log.
    pub readers: Arc<Semaphore>,
    pub settings: Settings,
    /// This process among the others.
    pub node: Uuid,
    /// Cancelled when the process stops: sockets say goodbye.
    pub stop: CancellationToken,
    /// The sessions that are open.
    pub sessions: TaskTracker,
}

impl Hub {
    /// A hub without sockets; `stop` ends those that will come.
    #[must_use]
    pub fn new(node: Uuid, settings: Settings, stop: CancellationToken) -> Self {
        Self {
            rooms: Arc::default(),
            numbers: Arc::default(),
            places: Arc::new(Semaphore::new(settings.most)),
            readers: Arc::new(Semaphore::new(READERS)),
            settings,
            node,
            stop,
            sessions: TaskTracker::new(),
        }
    }

    /// Room for one socket more; none if as many are open as may be.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Whether one more socket of this tenant leaves room for the other tenants.
    #[must_use]
    pub fn has_room_for(&self, tenant: Uuid) -> bool {
        let open = self.lock().get(&tenant).map_or(0, Room::len);
        open < self.settings.most_of_a_tenant()
    }

    /// The entries of a tenant from now on, of those that somebody may hear and wants to.
    #[must_use]
    pub fn register(
        &self,
        tenant: Uuid,
        audience: Audience,
        subject: String,
        interest: Interest,
    ) -> Listener {
        let (sender, queue) = mpsc::channel(QUEUE);
        let (shared, number) = (Arc::new(Shared::default()), self.numbers.fetch_add(1, Ordering::Relaxed));
        let seat = Seat { queue: sender, shared: Arc::clone(&shared), interest, subject };
        let mut rooms = self.lock();
        let room = rooms.entry(tenant).or_default();
        room.audiences.entry(audience).or_default().insert(number, seat);
        let (last, counts) = (Arc::clone(&room.last), Arc::clone(&room.counts));
        drop(rooms);
        Listener { hub: self.clone(), tenant, audience, number, queue, last, shared, counts }
    }

    pub(super) fn leave(&self, tenant: Uuid, audience: Audience, number: u64) {
        let mut rooms = self.lock();
        // The room stays: it counts since the process started.
        let Some(room) = rooms.get_mut(&tenant) else { return };
        let Some(seats) = room.audiences.get_mut(&audience) else { return };
        seats.remove(&number);
        if seats.is_empty() {
            room.audiences.remove(&audience);
        }
    }

    pub(super) fn narrow(&self, tenant: Uuid, audience: Audience, number: u64, interest: Interest) {
        let mut rooms = self.lock();
        let seats = rooms.get_mut(&tenant).and_then(|room| room.audiences.get_mut(&audience));
        if let Some(seat) = seats.and_then(|seats| seats.get_mut(&number)) {
            seat.interest = interest;
        }
    }

    /// Tails the log from the end of a batch on, and has sockets look around, until `stop`. The batch was the last one at a
    /// time when no socket was open yet: what is numbered after it is told to whoever comes before it is read here.
    pub async fn run(self, platform: Platform, batch: i64) {
        tokio::join!(self.follow(&platform, batch), self.sweep(&platform));
    }

    /// How things stand with each tenant that has had sockets here.
    #[must_use]
    pub fn counted(&self) -> Vec<Counted> {
        self.lock().iter().map(|(tenant, room)| room.counted(TenantId(*tenant))).collect()
    }

    fn is_empty(&self) -> bool {
        self.lock().values().all(Room::is_empty)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Room>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use domain::access::{
        permission::{Permission, PermissionSet},
        rows::Rows,
    };
    use engine::log::Entry;
    use serde_json::json;

    use super::{super::seat::Item, *};

    const TENANT: Uuid = Uuid::from_u128(1);

    fn hub() -> Hub {
        Hub::new(Uuid::nil(), Settings { most: 2, ..Settings::default() }, CancellationToken::new())
    }

    fn listen(hub: &Hub, tenant: Uuid, permission: Permission, types: &[&str]) -> Listener {
        let grants: PermissionSet = [permission].into_iter().collect();
        let interest = Interest::of(types.iter().map(|kind| (*kind).to_owned()), []).expect("few");
        hub.register(tenant, Audience { grants, rows: Rows::All }, "user:7".into(), interest)
    }

    fn entry(seq: i64, kind: &str) -> Entry {
        let at = chrono::DateTime::UNIX_EPOCH;
        let (kind, subject, body) = (kind.to_owned(), format!("message:{seq}"), json!({}));
        Entry { tenant: TENANT, seq, batch: seq, day: at.date_naive(), id: seq, at, kind, subject, body }
    }

    fn heard(listener: &mut Listener) -> Vec<i64> {
        let items = std::iter::from_fn(|| listener.try_recv());
        items
            .filter_map(|item| match item {
                Item::Event(told) => Some(told.seq),
                Item::Look => None,
            })
            .collect()
    }

    #[test]
    fn each_hears_what_it_may_and_wants_and_knows_how_far_it_is() {
        let hub = hub();
        let mut all = listen(&hub, TENANT, Permission::MessagesRead, &[]);
        let mut some = listen(&hub, TENANT, Permission::MessagesRead, &["message.failed"]);
        let mut none = listen(&hub, TENANT, Permission::LeadsRead, &[]);
        let mut stranger = listen(&hub, Uuid::from_u128(2), Permission::MessagesRead, &[]);
        hub.tell(&[entry(1, "message.sent"), entry(2, "message.failed"), entry(3, "secret.thing")]);
        assert_eq!(heard(&mut all), [1, 2]);
        assert_eq!(heard(&mut some), [2]);
        assert_eq!(heard(&mut none), [0; 0]);
        assert_eq!(heard(&mut stranger), [0; 0]);
        assert_eq!((all.passed(), none.passed(), stranger.passed()), (3, 3, 0));
        assert_eq!(some.narrow(Interest::default()), 3);
        hub.tell(&[entry(4, "message.sent"), entry(4, "message.sent")]);
        assert_eq!(heard(&mut some), [4], "once");
    }

    #[test]
    fn one_that_falls_behind_reads_from_the_log_and_the_others_go_on() {
        let hub = hub();
        let mut slow = listen(&hub, TENANT, Permission::MessagesRead, &[]);
        let mut quick = listen(&hub, TENANT, Permission::MessagesRead, &[]);
        let most = i64::try_from(QUEUE).expect("a small number");
        for seq in 1..=most + 3 {
            hub.tell(&[entry(seq, "message.sent")]);
            assert_eq!(heard(&mut quick), [seq]);
        }
        assert!(slow.shared.is_resting() && !quick.shared.is_resting());
        assert_eq!(slow.counts.dropped.load(Ordering::Relaxed), 1, "it fell behind once");
        assert_eq!(heard(&mut slow), (1..=most).collect::<Vec<_>>());
        hub.tell(&[entry(most + 4, "message.sent")]);
        assert_eq!(heard(&mut slow), [0; 0], "nothing comes before what was left out");
        slow.shared.go_on();
        hub.tell(&[entry(most + 5, "message.sent")]);
        assert_eq!(heard(&mut slow), [most + 5]);
    }

    #[test]
    fn a_gap_in_the_log_is_for_each_to_find_out() {
        let hub = hub();
        let listener = listen(&hub, TENANT, Permission::MessagesRead, &[]);
        hub.tell(&[entry(5, "message.sent")]);
        assert!(!listener.shared.is_resting(), "it begins anywhere");
        hub.tell(&[entry(9, "message.sent")]);
        assert!(listener.shared.is_resting());
    }

    #[test]
    fn one_that_has_not_begun_is_not_behind() {
        let hub = hub();
        let listener = listen(&hub, TENANT, Permission::MessagesRead, &[]);
        hub.tell(&[entry(7_000, "message.sent")]);
        assert_eq!(hub.counted()[0].lag, 0, "it may be about to ask from here on");
        listener.shared.told(6_998);
        assert_eq!(hub.counted()[0].lag, 2);
    }

    #[tokio::test]
    async fn a_change_of_rights_reaches_those_it_is_about_if_it_is_news_to_them() {
        let hub = hub();
        let [concerned, knows, other] =
            [(); 3].map(|()| listen(&hub, TENANT, Permission::MessagesRead, &["message.sent"]));
        concerned.shared.opened(6);
        knows.shared.opened(7);
        let changed = |subject: &str| Entry { subject: subject.to_owned(), ..entry(7, "access.changed") };
        hub.tell(&[changed("user:8")]);
        let is_over = |listener: &Listener| {
            let shared = Arc::clone(&listener.shared);
            async move { tokio::time::timeout(Duration::ZERO, shared.revoked()).await.is_ok() }
        };
        assert!(!is_over(&concerned).await, "another's");
        hub.tell(&[Entry { seq: 8, ..changed("user:7") }]);
        concerned.shared.revoked().await;
        knows.shared.revoked().await;
        assert!(!is_over(&other).await, "it is not open yet");
        other.shared.opened(8);
        assert!(!is_over(&other).await, "it knew that when it was opened");
    }

    #[test]
    fn only_so_many_have_room() {
        let hub = hub();
        let places = [hub.place(), hub.place()];
        assert!(places.iter().all(Option::is_some) && hub.place().is_none());
        drop(places);
        assert!(hub.place().is_some());
    }
}
