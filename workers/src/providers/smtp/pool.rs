//! Connections that wait for the next message, by account.

use domain::messages::provider::{Account, Answer, Refusal};

use super::{
    conversation::{Conversation, Deadline, Turn},
    kept::Kept,
    mail::Mail,
    settings::Settings,
};
use crate::rim::outbound::Outbound;

/// What a process keeps open; a connection is used again for its own account only.
#[derive(Default)]
pub struct Pool(Kept<Conversation>);

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
        if let Some(waiting) = self.0.take(account.id, account.version)
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
                Refusal::Transient,
                "connection",
                "the server closed the connection before the message",
            ),
        }
    }

    fn keep(&self, account: &Account, conversation: Option<Conversation>) {
        if let Some(conversation) = conversation {
            self.0.keep(account.id, account.version, conversation);
        }
    }
}
