//! One connection to a server and what is said on it.

use std::{io, time::Duration};

use domain::messages::provider::{Answer, Refusal, Scope};
use lettre::transport::smtp::{
    Error,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, TlsParameters},
    commands::{Data, Mail as MailFrom, Rcpt},
    extension::{ClientId, Extension, MailBodyParameter, MailParameter},
};
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    mail::Mail,
    refused,
    settings::{Settings, Tls},
    stream,
};
use crate::rim::outbound::{Outbound, OutboundError};

/// How long it may take from the first step to the server's word that the message may come, over one connection or two.
const BEFORE: Duration = Duration::from_secs(6);
/// When the whole must be over: below the limit of a call, which cannot tell how far this has come.
const WHOLE: Duration = Duration::from_secs(9);
/// How long a goodbye may take.
const PARTING: Duration = Duration::from_secs(1);

/// Until when a call may go on. All its steps share it, whatever each of them takes.
#[derive(Clone, Copy)]
pub struct Deadline {
    /// If the server has not said by then that the message may come, nothing of it is sent.
    before: Instant,
    whole: Instant,
}

impl Deadline {
    /// Of a call that begins now.
    #[must_use]
    pub fn from_now() -> Self {
        let now = Instant::now();
        Self { before: now + BEFORE, whole: now + WHOLE }
    }
}

/// A connection that is ready for the next message.
pub struct Conversation(Box<AsyncSmtpConnection>);

/// What came of one message.
pub enum Turn {
    /// The server's word, and the connection if it is good for another message.
    Answered(Answer, Option<Conversation>),
    /// The connection was dead before the message began; another one may do.
    Dead,
}

impl Conversation {
    /// Connects, protects the connection and logs in.
    ///
    /// # Errors
    /// The answer for the message that wanted it: nothing of it was sent.
    pub async fn open(outbound: &Outbound, settings: &Settings, deadline: Deadline) -> Result<Self, Answer> {
        match timeout_at(deadline.before, Self::connect(outbound, settings)).await {
            Ok(opened) => opened,
            Err(_) => Err(refused(Refusal::Transient, "connect", "the server did not answer in time")),
        }
    }

    async fn connect(outbound: &Outbound, settings: &Settings) -> Result<Self, Answer> {
        let us = ClientId::Domain(settings.from.email.domain().to_owned());
        let server = match outbound.mail_server(&settings.host, settings.port()).await {
            Ok(addresses) => addresses,
            Err(OutboundError::Blocked(why)) => return Err(refused(Refusal::Account, "blocked", why)),
            Err(OutboundError::Busy(why)) => return Err(refused(Refusal::Throttled, "busy", why)),
            Err(
                OutboundError::Unwritable(why) | OutboundError::NotSent(why) | OutboundError::Ambiguous(why),
            ) => {
                return Err(refused(Refusal::Transient, "connect", why));
            }
        };
        let stream = stream::open(settings, &server).await;
        let stream = stream.map_err(|error| broken("connect", error.kind() == io::ErrorKind::TimedOut))?;
        let mut connection = AsyncSmtpConnection::connect_with_transport(stream, &us)
            .await
            .map_err(|error| before("connect", &error))?;
        if settings.tls == Tls::Starttls {
            if !connection.can_starttls() {
                let text = "the server offers no STARTTLS, and no mail is sent without it";
                return Err(refused(Refusal::Account, "starttls", text));
            }
            let parameters = TlsParameters::new(settings.host.clone());
            let parameters = parameters.map_err(|error| before("tls", &error))?;
            connection.starttls(parameters, &us).await.map_err(|error| before("starttls", &error))?;
        }
        if let (Some(username), Some(password)) = (&settings.username, &settings.password) {
            let credentials = Credentials::new(username.clone(), password.clone());
            connection.auth(DEFAULT_MECHANISMS, &credentials).await.map_err(|error| {
                match error.status() {
                    Some(_) if error.is_permanent() => refused(Refusal::Account, &code(&error), said(&error)),
                    _ => before("auth", &error),
                }
            })?;
        }
        Ok(Self(Box::new(connection)))
    }

    /// Takes leave, as a server expects it; whether it hears that does not matter.
    pub async fn close(mut self) {
        let _ = timeout(PARTING, self.0.quit()).await;
    }

    /// Sends one message. What ends before the server has said that it may come was surely not sent; only what breaks
    /// off afterwards is in doubt.
    pub async fn deliver(mut self, mail: &Mail, deadline: Deadline) -> Turn {
        match timeout_at(deadline.before, self.envelope(mail)).await {
            Ok(Ok(())) => {}
            Ok(Err((error, stage))) if error.status().is_some() => {
                // The server refused and goes on listening.
                let reset = timeout(PARTING, self.0.command(lettre::transport::smtp::commands::Rset)).await;
                let kept = reset.is_ok_and(|said| said.is_ok());
                return Turn::Answered(refusal(&error, stage), kept.then_some(self));
            }
            Ok(Err((_, Stage::Sender))) => return Turn::Dead,
            Ok(Err((error, _))) => return Turn::Answered(before("connection", &error), None),
            Err(_) => {
                let text = "the server did not answer in time, before the message";
                return Turn::Answered(refused(Refusal::Transient, "timeout", text), None);
            }
        }
        match timeout_at(deadline.whole, self.0.message(&mail.bytes)).await {
            Ok(Ok(_)) => {
                let id = Some(mail.id.clone());
                Turn::Answered(Answer::Accepted { provider_message_id: id }, Some(self))
            }
            Ok(Err(error)) if error.status().is_some() => {
                Turn::Answered(refusal(&error, Stage::Content), Some(self))
            }
            Ok(Err(_)) => unknown("the connection broke after the message was sent"),
            Err(_) => unknown("the server took the message and gave no answer in time"),
        }
    }

    /// Says from whom and to whom.
    async fn envelope(&mut self, mail: &Mail) -> Result<(), (Error, Stage)> {
        let eight_bit =
            !mail.bytes.is_ascii() && self.0.server_info().supports_feature(Extension::EightBitMime);
        let mut options = Vec::new();
        if eight_bit {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let from = MailFrom::new(Some(mail.from.clone()), options);
        self.0.command(from).await.map_err(|error| (error, Stage::Sender))?;
        self.0
            .command(Rcpt::new(mail.to.clone(), vec![]))
            .await
            .map_err(|error| (error, Stage::Recipient))?;
        self.0.command(Data).await.map_err(|error| (error, Stage::Content))?;
        Ok(())
    }
}

/// What the server was told when it refused.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Sender,
    Recipient,
    Content,
}

fn unknown(text: &str) -> Turn {
    Turn::Answered(Answer::Unknown { text: text.into() }, None)
}

/// A fault before anything was sent: it may work another time.
fn before(stage: &str, error: &Error) -> Answer {
    if error.status().is_some() {
        return refused(Refusal::Transient, &code(error), said(error));
    }
    broken(stage, error.is_timeout())
}

fn broken(stage: &str, is_late: bool) -> Answer {
    let what = if is_late { "no answer in time" } else { "the connection failed" };
    refused(Refusal::Transient, stage, format!("{what}, before the message ({stage})"))
}

/// Whether an enhanced code says that the recipient's address is none (RFC 3463, section 3.2).
pub fn is_no_address(enhanced: &str) -> bool {
    enhanced.starts_with("5.1.") && !is_of_sender(enhanced)
}

/// Whether it finds fault with the address of the sender: that says nothing against the recipient's.
pub fn is_of_sender(enhanced: &str) -> bool {
    matches!(enhanced, "5.1.7" | "5.1.8")
}

/// The server's no (RFC 5321 §4.2.1, RFC 3463).
fn refusal(error: &Error, stage: Stage) -> Answer {
    let enhanced = enhanced(error).unwrap_or_default();
    let refusal = if error.is_transient() || enhanced == "5.2.2" {
        Refusal::Transient
    } else if stage == Stage::Sender {
        // Nobody was spoken of yet but us.
        Refusal::Account
    } else if stage == Stage::Recipient && is_no_address(&enhanced) {
        Refusal::Suppress(Scope::All)
    } else if is_of_sender(&enhanced)
        || enhanced.starts_with("5.7.")
        || error.status().is_some_and(|code| code.to_string() == "535")
    {
        Refusal::Account
    } else {
        Refusal::Permanent
    };
    refused(refusal, &code(error), said(error))
}

/// `550 5.1.1`, or the basic code alone.
fn code(error: &Error) -> String {
    let basic = error.status().map(|code| code.to_string()).unwrap_or_default();
    enhanced(error).map_or(basic.clone(), |enhanced| format!("{basic} {enhanced}"))
}

/// The server's prose may name the recipient, so only its codes are kept.
fn said(error: &Error) -> String {
    format!("the server answered {}", code(error))
}

/// The first enhanced status code (RFC 3463) in the server's words.
fn enhanced(error: &Error) -> Option<String> {
    let words = std::error::Error::source(error)?.to_string();
    let form = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() == 3
            && ["2", "4", "5"].contains(&parts[0])
            && parts
                .iter()
                .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    words.split_whitespace().find(form).map(ToOwned::to_owned)
}
