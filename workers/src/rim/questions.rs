//! Questions to a resolver that has few places for all tenants, each of which is held for as long as its servers like.
//!
//! Whoever asks for a name that is asked for already waits for the same answer, names of one owner have a few places between
//! them, and a name that gives no answer in time is not waited for again for a while. What a name stands for is not kept:
//! it is asked anew for each connection, as [`lookup`](super::lookup) wants it.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt, io,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};

use super::lookup::Lookup;

/// Questions at a time. Each holds a thread that others need too, and a name whose servers are slow on purpose can hold it
/// for half a minute.
const PLACES: usize = 64;
/// Those of them for the names of one owner.
const OF_OWNER: usize = 4;
/// Below which countries have people register, instead of below their own ends.
const OF_COUNTRIES: [&str; 9] = ["ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"];
/// How long a question waits for its place: less than whoever asks waits for a connection.
const WAIT: Duration = Duration::from_secs(2);
/// Who asks has given up by then.
const IN_TIME: Duration = Duration::from_secs(3);
/// How long a name is not asked for again after it came to no answer in time.
const REST: Duration = Duration::from_secs(5);

/// Nobody was asked: too many questions wait for their answers.
#[derive(Debug)]
pub(super) struct NoPlace;

impl fmt::Display for NoPlace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("too many names are being looked up; nothing was sent")
    }
}

impl StdError for NoPlace {}

/// Why there is no answer, for all who wait for it.
#[derive(Debug, Clone, Copy)]
enum Failed {
    NoPlace,
    Of(io::ErrorKind),
}

impl From<Failed> for io::Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::NoPlace => Self::other(NoPlace),
            Failed::Of(kind) => kind.into(),
        }
    }
}

type Answer = Shared<BoxFuture<'static, Result<Vec<IpAddr>, Failed>>>;

struct Questions {
    ask: Lookup,
    places: Arc<Semaphore>,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    names: HashMap<String, Question>,
    owners: HashMap<String, Arc<Semaphore>>,
}

struct Question {
    answer: Answer,
    /// Since when its servers are asked; none while it waits for its place.
    since: Option<Instant>,
}

/// The same resolver, asked so that no name takes more of its places than it may.
pub(super) fn fairly(ask: Lookup) -> Lookup {
    let places = Arc::new(Semaphore::new(PLACES));
    let questions = Arc::new(Questions { ask, places, open: Mutex::default() });
    Arc::new(move |name: String| {
        let answer = questions.answer(name.to_ascii_lowercase());
        async move { io::Result::Ok(answer?.await?) }.boxed()
    })
}

impl Questions {
    /// The answer of a question that is open, or of a new one.
    fn answer(self: &Arc<Self>, name: String) -> Result<Answer, Failed> {
        let mut open = self.open();
        if let Some(question) = open.names.get(&name) {
            let is_late = question.since.is_some_and(|since| since.elapsed() >= IN_TIME);
            return if is_late {
                Err(Failed::Of(io::ErrorKind::TimedOut))
            } else {
                Ok(question.answer.clone())
            };
        }
        let fresh = || Arc::new(Semaphore::new(OF_OWNER));
        let places_of_owner = Arc::clone(open.owners.entry(owner_of(&name).to_owned()).or_insert_with(fresh));
        let (questions, of) = (Arc::clone(self), name.clone());
        // Whoever asks may give up; the thread that asks does not, so it keeps its place until it has ended.
        let asked = tokio::spawn(async move { questions.ask(of, places_of_owner).await });
        let lost = |_| Err(Failed::Of(io::ErrorKind::Other));
        let answer = async move { asked.await.unwrap_or_else(lost) }.boxed().shared();
        open.names.insert(name, Question { answer: answer.clone(), since: None });
        Ok(answer)
    }

    async fn ask(self: Arc<Self>, name: String, of_owner: Arc<Semaphore>) -> Result<Vec<IpAddr>, Failed> {
        let Ok(Some(places)) = timeout(WAIT, self.place(of_owner)).await else {
            self.end(&name);
            return Err(Failed::NoPlace);
        };
        let began = Instant::now();
        if let Some(question) = self.open().names.get_mut(&name) {
            question.since = Some(began);
        }
        let found = (self.ask)(name.clone()).await.map_err(|error| Failed::Of(error.kind()));
        drop(places);
        if began.elapsed() < IN_TIME {
            self.end(&name);
        } else {
            // The question stays, and is told to be late to whoever asks.
            tokio::spawn(async move {
                sleep(REST).await;
                self.end(&name);
            });
        }
        found
    }

    /// A place, once the owner has one to give and there is one for all.
    async fn place(&self, of_owner: Arc<Semaphore>) -> Option<[OwnedSemaphorePermit; 2]> {
        let own = of_owner.acquire_owned().await.ok()?;
        Some([own, Arc::clone(&self.places).acquire_owned().await.ok()?])
    }

    /// Forgets a question, and its owner if that was the last of theirs.
    fn end(&self, name: &str) {
        let mut open = self.open();
        open.names.remove(name);
        let owner = owner_of(name);
        if !open.names.keys().any(|other| owner_of(other) == owner) {
            open.owners.remove(owner);
        }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of a name that was registered by one owner, who has as many names below it as they like: two labels, or three
/// where a country has its people register below the second, as in `example.co.uk`.
fn owner_of(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    let labels = name.rsplit('.').collect::<Vec<_>>();
    let is_below = matches!(labels[..], [country, second, _, ..] if country.len() == 2 && OF_COUNTRIES.contains(&second));
    let kept = labels.iter().take(if is_below { 3 } else { 2 });
    let length = kept.map(|label| label.len() + 1).sum::<usize>();
    &name[name.len().saturating_sub(length - 1)..]
}

#[cfg(test)]
mod tests {
    use futures::future::{join_all, pending};
    use tokio::sync::mpsc;

    use super::*;

    const HERE: [u8; 4] = [127, 0, 0, 1];

    /// Answers what it is asked for, at once, or never to names that begin with `dark`; and tells which names it was asked for.
    fn resolver() -> (Lookup, mpsc::UnboundedReceiver<String>) {
        let (told, asked) = mpsc::unbounded_channel();
        let ask = Arc::new(move |name: String| {
            let is_dark = name.starts_with("dark");
            told.send(name).expect("the test looks on");
            async move {
                if is_dark {
                    pending::<()>().await;
                }
                tokio::task::yield_now().await;
                Ok(vec![HERE.into()])
            }
            .boxed()
        });
        (fairly(ask), asked)
    }

    fn count(asked: &mut mpsc::UnboundedReceiver<String>) -> usize {
        std::iter::from_fn(|| asked.try_recv().ok()).count()
    }

    fn is_no_place(answer: &io::Result<Vec<IpAddr>>) -> bool {
        let error = answer.as_ref().err().and_then(io::Error::get_ref);
        matches!(error, Some(error) if error.is::<NoPlace>())
    }

    #[tokio::test]
    async fn those_who_ask_for_one_name_share_an_answer_which_is_not_kept() {
        let (lookup, mut asked) = resolver();
        let answers = join_all((0..100).map(|_| lookup("Mail.example.com".into()))).await;
        assert!(
            answers.iter().all(|answer| matches!(answer.as_deref(), Ok([ip]) if *ip == IpAddr::from(HERE)))
        );
        assert_eq!(count(&mut asked), 1);
        lookup("mail.example.com".into()).await.expect("an answer");
        assert_eq!(count(&mut asked), 1, "it may stand for something else by now");
    }

    #[tokio::test(start_paused = true)]
    async fn a_name_without_an_answer_holds_one_place_and_is_given_up_at_once_until_it_has_rested() {
        let (told, mut asked) = mpsc::unbounded_channel();
        let slow: Lookup = Arc::new(move |name: String| {
            told.send(name).expect("the test looks on");
            sleep(Duration::from_secs(30)).map(|()| Ok(vec![HERE.into()])).boxed()
        });
        let lookup = fairly(slow);
        let ask = || lookup("slow.example.com".into());
        for _ in 0..100 {
            assert!(
                timeout(Duration::from_millis(10), ask()).await.is_err(),
                "it waits for the others' answer"
            );
        }
        sleep(IN_TIME).await;
        let began = Instant::now();
        let late = |answer: io::Result<Vec<IpAddr>>| {
            answer.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut)
        };
        assert!(late(ask().await));
        // Its servers have answered by then, but too late to be asked again at once.
        sleep(Duration::from_secs(27)).await;
        assert!(late(ask().await));
        assert_eq!((began.elapsed().as_secs(), count(&mut asked)), (27, 1));
        sleep(REST).await;
        ask().await.expect("an answer");
        assert_eq!(count(&mut asked), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn an_owner_of_dark_names_leaves_room_for_all_others() {
        let (lookup, mut asked) = resolver();
        let dark = (0..500).map(|n| lookup(format!("dark{n}.example.org")));
        let ended = join_all(dark.map(|answer| timeout(IN_TIME, answer))).await;
        assert_eq!(count(&mut asked), OF_OWNER);
        let without = ended.iter().filter(|ended| ended.as_ref().is_ok_and(is_no_place)).count();
        assert_eq!(without, 500 - OF_OWNER, "they were never asked for");
        lookup("mail.example.com".into()).await.expect("an answer");
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_places_are_taken_nobody_waits_for_long() {
        let (lookup, mut asked) = resolver();
        let dark = (0..PLACES).map(|n| lookup(format!("dark.example{n}.org")));
        join_all(dark.map(|answer| timeout(IN_TIME, answer))).await;
        assert_eq!(count(&mut asked), PLACES);
        let began = Instant::now();
        assert!(is_no_place(&lookup("mail.example.com".into()).await));
        assert_eq!(began.elapsed().as_secs(), WAIT.as_secs());
    }

    #[test]
    fn names_are_of_whoever_registered_their_end() {
        for (name, wanted) in [
            ("a.b.example.com", "example.com"),
            ("example.com", "example.com"),
            ("a.b.example.co.uk.", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("a.b.xy.de", "xy.de"),
            ("a.example.de", "example.de"),
            ("smtp", "smtp"),
            ("", ""),
        ] {
            assert_eq!(owner_of(name), wanted, "{name}");
        }
    }
}
