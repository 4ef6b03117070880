//! Asking a key service that may be slow or gone. Whoever asks has a connection of the database in their hands, so few ask
//! at a time, nobody waits for long, and once it was away only one a second tries whether it is back.

use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};

use super::service::Away;

/// Calls at a time: well below the connections of a process.
const PLACES: usize = 4;
/// How long a place among them is waited for, and with it the answer of somebody else to the same question.
const PLACE: Duration = Duration::from_secs(2);
/// For all of it, what is tried again included.
const TOTAL: Duration = Duration::from_secs(5);
/// How long nobody asks a service that was away.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

/// The way to one service.
pub(super) struct Asking {
    places: Semaphore,
    away: Mutex<Option<Absence>>,
}

/// That it was away, why, and until when nobody else asks.
struct Absence {
    why: String,
    noted: Instant,
    until: Instant,
}

impl Asking {
    /// A service that nothing is known of yet.
    pub fn new() -> Self {
        Self { places: Semaphore::new(PLACES), away: Mutex::default() }
    }

    /// Before anything is waited for. Of those who come once it may be asked again, the first tries.
    ///
    /// # Errors
    /// [`Away`] if it was a moment ago.
    pub fn begin(&self) -> io::Result<Instant> {
        let now = Instant::now();
        match &mut *self.away.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(absence) if absence.until > now => Err(absence.again()),
            Some(absence) => {
                absence.until = now + PAUSE;
                Ok(now)
            }
            None => Ok(now),
        }
    }

    /// Asks, for whoever has begun at a time.
    ///
    /// # Errors
    /// As the call, and [`Away`] if the service was found away meanwhile or does not answer in time.
    pub async fn ask<T>(
        &self,
        begun: Instant,
        call: impl Future<Output = io::Result<T>> + Send,
    ) -> io::Result<T> {
        self.unless_away_since(begun)?;
        let busy = |_| io::Error::from(Away::new("too many wait for it"));
        let place = timeout_at(begun + PLACE, self.places.acquire()).await.map_err(busy)?;
        let _place = place.map_err(io::Error::other)?;
        self.unless_away_since(begun)?;
        let late = |_| Err(Away::new("no answer came in time").into());
        let answer = timeout_at(begun + TOTAL, call).await.unwrap_or_else(late);
        self.note(answer.as_ref().err());
        answer
    }

    fn unless_away_since(&self, begun: Instant) -> io::Result<()> {
        match &*self.away.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(absence) if absence.noted >= begun => Err(absence.again()),
            _ => Ok(()),
        }
    }

    fn note(&self, failure: Option<&io::Error>) {
        let now = Instant::now();
        let away = failure.and_then(Away::within).filter(|away| !away.of_one);
        let absence = away.map(|away| Absence { why: away.why.clone(), noted: now, until: now + PAUSE });
        *self.away.lock().unwrap_or_else(PoisonError::into_inner) = absence;
    }
}

impl Absence {
    fn again(&self) -> io::Error {
        Away::new(self.why.clone()).into()
    }
}
