//! Connections that wait for the next message, by account.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use domain::{
    messages::provider::{Account, Answer},
    types::ProviderId,
};

use super::{
    conversation::{Conversation, Deadline, Turn},
    mail::Mail,
    settings::Settings,
};
use crate::rim::outbound::Outbound;

/// Servers close idle connections after a minute or more; we are gone before.
const IDLE: Duration = Duration::from_secs(20);
const IDLE_PER_ACCOUNT: usize = 64;
/// Accounts with waiting connections; past it the pool starts anew.
const ACCOUNTS: usize = 1_000;

#[derive(Default)]
pub struct Pool(Mutex<HashMap<ProviderId, Waiting>>);

struct Waiting {
    /// Of the account's row: connections of older credentials are dropped.
    version: i64,
    idle: Vec<(Instant, Conversation)>,
}

impl Pool {
    /// Sends one message on a waiting connection or a new one. A waiting one that turns out dead
    /// before the message began is replaced once.
    pub async fn deliver(
        &self,
        outbound: &Outbound,
        account: &Account,
        settings: &Settings,
        mail: &Mail,
    ) -> Answer {
        let deadline = Deadline::from_now();
        if let Some(waiting) = self.take(account)
            && let Turn::Answered(answer, kept) = waiting.deliver(mail, deadline).await
        {
            self.keep(account, kept);
            return answer;
        }
        let fresh = match Conversation::open(outbound, settings, deadline).await {
            Ok(fresh) => fresh,
            Err(answer) => return answer,
        };
        match fresh.deliver(mail, deadline).await {
            Turn::Answered(answer, kept) => {
                self.keep(account, kept);
                answer
            }
            Turn::Dead => super::refused(
                domain::messages::provider::Refusal::Transient,
                "connection",
                "the server closed the connection before the message",
            ),
        }
    }

    fn take(&self, account: &Account) -> Option<Conversation> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = pool.get_mut(&account.id).filter(|waiting| waiting.version == account.version)?;
        // The newest first, so that those that are not needed grow old.
        let (since, conversation) = waiting.idle.pop()?;
        if since.elapsed() < IDLE {
            return Some(conversation);
        }
        waiting.idle.clear();
        None
    }

    fn keep(&self, account: &Account, conversation: Option<Conversation>) {
        let Some(conversation) = conversation else { return };
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() >= ACCOUNTS && !pool.contains_key(&account.id) {
            pool.clear();
        }
        let fresh = || Waiting { version: account.version, idle: Vec::new() };
        let waiting = pool.entry(account.id).or_insert_with(fresh);
        if waiting.version < account.version {
            *waiting = fresh();
        }
        if waiting.version == account.version && waiting.idle.len() < IDLE_PER_ACCOUNT {
            waiting.idle.push((Instant::now(), conversation));
        }
    }
}
