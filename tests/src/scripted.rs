//! A provider whose answers a test gives, when the test wants to.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    Ctx,
    error::FieldError,
    messages::{
        attempt::Turn,
        provider::{Account, Answer, Asked, Channel, Found, Outgoing, Provider, Refusal, Route, Verified},
    },
    types::ProviderId,
};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use crate::id;

/// Long enough that only a defect reaches it.
const PATIENCE: Duration = Duration::from_mins(1);

/// The turn of a message whose job counts against no limit.
#[must_use]
pub fn turn(message: &str) -> Turn {
    Turn { message: id(&json!(message)), slot: None }
}

/// An adapter that says nothing before a test does.
pub struct Scripted {
    kind: &'static str,
    route: Route,
    by_likeness: bool,
    calls: Line<Call>,
    questions: Line<Question>,
    handed: Mutex<Vec<(ProviderId, Outgoing)>>,
}

/// What waits for an answer, in the order in which it came.
struct Line<T> {
    put: mpsc::UnboundedSender<T>,
    take: tokio::sync::Mutex<mpsc::UnboundedReceiver<T>>,
}

impl<T> Line<T> {
    fn new() -> Self {
        let (put, take) = mpsc::unbounded_channel();
        Self { put, take: tokio::sync::Mutex::new(take) }
    }

    async fn next(&self) -> Option<T> {
        let mut take = self.take.lock().await;
        tokio::time::timeout(PATIENCE, take.recv()).await.ok().flatten()
    }
}

/// A message that was handed over and waits for its answer.
pub struct Call {
    pub account: ProviderId,
    pub outgoing: Outgoing,
    answer: oneshot::Sender<Answer>,
}

impl Call {
    /// What comes of it. Nobody may be there any more to hear it.
    pub fn say(self, answer: Answer) {
        let _ = self.answer.send(answer);
    }

    /// The provider has it, and calls it `p-<id>`.
    pub fn take(self) {
        let provider_message_id = Some(format!("p-{}", self.outgoing.message));
        self.say(Answer::Accepted { provider_message_id });
    }

    /// It said no.
    pub fn refuse(self, refusal: Refusal) {
        self.say(refused(refusal, None));
    }

    /// Nobody knows whether it has it.
    pub fn lose(self) {
        self.say(lost());
    }
}

/// A refusal with the code `no`.
#[must_use]
pub fn refused(refusal: Refusal, retry_after: Option<Duration>) -> Answer {
    Answer::Refused { refusal, code: "no".into(), text: "as the test asks".into(), retry_after }
}

/// What was said when nothing was said.
#[must_use]
pub fn lost() -> Answer {
    Answer::Unknown { text: "as the test asks".into() }
}

/// A question for the fate of a message.
pub struct Question {
    pub outgoing: Outgoing,
    answer: oneshot::Sender<Found>,
}

impl Question {
    /// What the provider says of it.
    pub fn say(self, found: Found) {
        let _ = self.answer.send(found);
    }
}

impl Scripted {
    /// A provider of any channel.
    #[must_use]
    pub fn new(kind: &'static str, route: Route) -> Self {
        Self {
            kind,
            route,
            by_likeness: false,
            calls: Line::new(),
            questions: Line::new(),
            handed: Mutex::default(),
        }
    }

    /// One that is asked, and tells messages by what they say.
    #[must_use]
    pub fn telling_by_likeness(kind: &'static str) -> Self {
        Self { by_likeness: true, ..Self::new(kind, Route::Asked) }
    }

    /// The next message that is handed over.
    ///
    /// # Panics
    /// If none comes.
    pub async fn call(&self) -> Call {
        self.calls.next().await.expect("a message within a minute")
    }

    /// The next question.
    ///
    /// # Panics
    /// If none comes.
    pub async fn question(&self) -> Question {
        self.questions.next().await.expect("a question within a minute")
    }

    /// What was handed over, to which accounts, whatever was said to it.
    #[must_use]
    pub fn handed(&self) -> Vec<(ProviderId, Outgoing)> {
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl Provider for Scripted {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn channels(&self) -> &'static [Channel] {
        &Channel::ALL
    }

    fn route(&self, _: &Account) -> Route {
        self.route
    }

    fn check(&self, _: Channel, _: &Value) -> Vec<FieldError> {
        Vec::new()
    }

    async fn verify(&self, _: &Ctx, _: &Account) -> Verified {
        Verified::Unproven
    }

    async fn send(&self, _: &Ctx, account: &Account, outgoing: &Outgoing) -> Answer {
        let (account, outgoing) = (account.id, outgoing.clone());
        self.handed.lock().unwrap_or_else(PoisonError::into_inner).push((account, outgoing.clone()));
        let (answer, said) = oneshot::channel();
        let _ = self.calls.put.send(Call { account, outgoing, answer });
        // A test that drops a call has nothing to say to it.
        said.await.unwrap_or_else(|_| lost())
    }

    fn finds_by_likeness(&self) -> bool {
        self.by_likeness
    }

    async fn look_up(&self, _: &Ctx, _: &Account, asked: &Asked) -> Found {
        let (answer, said) = oneshot::channel();
        let _ = self.questions.put.send(Question { outgoing: asked.outgoing.clone(), answer });
        said.await.unwrap_or_else(|_| Found::Unclear { text: "as the test asks".into() })
    }
}
