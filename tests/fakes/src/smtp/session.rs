//! One connection: commands one after the other, whether they are sent one by one or all at once (RFC 2920).

use std::{io, mem, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

use super::{Mail, Shared, Stage, header};
use crate::{faults::Fault, http::Answer, lock};

struct Session<'s> {
    stream: BufReader<TcpStream>,
    shared: &'s Shared,
    from: Option<String>,
    to: Vec<String>,
    /// Logged in, or nobody has to.
    known: bool,
    /// It has taken a mail.
    used: bool,
}

pub(super) async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let known = shared.nature.login.is_none();
    let stream = BufReader::new(stream);
    let mut session = Session { stream, shared, from: None, to: Vec::new(), known, used: false };
    if !session.comes_to(Stage::Greeting).await? {
        return Ok(());
    }
    session.say("220 fake.example ESMTP").await?;
    while let Some(line) = session.line().await? {
        if !session.obey(&line).await? {
            break;
        }
    }
    Ok(())
}

impl Session<'_> {
    /// Does what a line says; `false` ends the connection.
    async fn obey(&mut self, line: &str) -> io::Result<bool> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let verb = verb.to_ascii_uppercase();
        let stage = match verb.as_str() {
            "EHLO" | "HELO" => Some(Stage::Hello),
            "STARTTLS" => Some(Stage::Starttls),
            "MAIL" => Some(Stage::Sender),
            "RCPT" => Some(Stage::Recipient),
            "DATA" => Some(Stage::Data),
            _ => None,
        };
        if let Some(stage) = stage
            && !self.comes_to(stage).await?
        {
            return Ok(false);
        }
        match verb.as_str() {
            "EHLO" => {
                let login = if self.shared.nature.login.is_some() { "250-AUTH PLAIN LOGIN\r\n" } else { "" };
                let offers_tls = lock(&self.shared.manner).silent_at == Some(Stage::Starttls);
                let tls = if offers_tls { "250-STARTTLS\r\n" } else { "" };
                let can = format!(
                    "250-fake.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n{tls}{login}250 ENHANCEDSTATUSCODES"
                );
                self.say(&can).await?;
            }
            "HELO" => self.say("250 fake.example").await?,
            "AUTH" => self.log_in(rest).await?,
            "MAIL" if !self.known => self.say("530 5.7.0 log in first").await?,
            "MAIL" => {
                (self.from, self.to) = (address(rest), Vec::new());
                self.say("250 2.1.0 go on").await?;
            }
            "RCPT" if self.from.is_none() => self.say("503 5.5.1 MAIL first").await?,
            "RCPT" => {
                let address = address(rest).unwrap_or_default();
                if let Some(no) = self.shared.refusal(&address) {
                    self.say(&no).await?;
                } else {
                    self.to.push(address);
                    self.say("250 2.1.5 go on").await?;
                }
            }
            "DATA" => return self.data().await,
            "RSET" => {
                (self.from, self.to) = (None, Vec::new());
                self.say("250 2.0.0 forgotten").await?;
            }
            "NOOP" => self.say("250 2.0.0 still here").await?,
            "QUIT" => {
                self.say("221 2.0.0 bye").await?;
                return Ok(false);
            }
            _ => self.say("500 5.5.2 what?").await?,
        }
        Ok(true)
    }

    /// Waits as its manner is at this stage; `false` ends the connection.
    async fn comes_to(&mut self, stage: Stage) -> io::Result<bool> {
        let manner = *lock(&self.shared.manner);
        if !manner.slow.is_zero() {
            tokio::time::sleep(manner.slow).await;
        }
        if manner.silent_at == Some(stage) {
            self.until_left().await?;
            return Ok(false);
        }
        let is_over = stage == Stage::Sender && manner.once && self.used;
        Ok(!is_over)
    }

    async fn log_in(&mut self, rest: &str) -> io::Result<()> {
        let (mechanism, initial) = rest.split_once(' ').unwrap_or((rest, ""));
        let given = match mechanism.to_ascii_uppercase().as_str() {
            "PLAIN" => {
                let text = self.answer("", initial).await?;
                // Who to act as, who logs in, the password (RFC 4616).
                let mut parts = text.split('\0').skip(1).map(ToOwned::to_owned);
                parts.next().zip(parts.next())
            }
            "LOGIN" => {
                let user = self.answer("VXNlcm5hbWU6", initial).await?;
                Some((user, self.answer("UGFzc3dvcmQ6", "").await?))
            }
            _ => return self.say("504 5.5.4 PLAIN or LOGIN").await,
        };
        self.known = given.is_some() && given == self.shared.nature.login;
        self.say(if self.known { "235 2.7.0 welcome" } else { "535 5.7.8 who are you" }).await
    }

    /// What the peer answers to a challenge, decoded; it may have said it at once.
    async fn answer(&mut self, challenge: &str, initial: &str) -> io::Result<String> {
        let encoded = if initial.is_empty() {
            self.say(&format!("334 {challenge}")).await?;
            self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?
        } else {
            initial.to_owned()
        };
        Ok(String::from_utf8(STANDARD.decode(encoded).unwrap_or_default()).unwrap_or_default())
    }

    async fn data(&mut self) -> io::Result<bool> {
        let to = mem::take(&mut self.to);
        let Some(from) = self.from.take().filter(|_| !to.is_empty()) else {
            self.say("503 5.5.1 MAIL and RCPT first").await?;
            return Ok(true);
        };
        self.say("354 end with a dot").await?;
        let mut data = String::new();
        loop {
            let line = self.line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if line == "." {
                break;
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push('\n');
        }
        let mails: Vec<Mail> =
            to.into_iter().map(|to| Mail { from: from.clone(), to, data: data.clone() }).collect();
        self.take(&mails).await
    }

    /// Takes a mail, once for each recipient, as the recipients and the faults want it.
    async fn take(&mut self, mails: &[Mail]) -> io::Result<bool> {
        let whim = |name: &str| mails.iter().any(|mail| mail.to.split('@').next() == Some(name));
        if whim("cut") {
            return Ok(false);
        }
        let faults = &self.shared.nature.world.faults;
        let slow = if whim("slow") { Duration::from_millis(300) } else { Duration::ZERO };
        let delay = self.shared.nature.delay + faults.delay() + slow;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let Some(mail) = mails.first() else { return Ok(true) };
        let luck = header(&mail.data, "message-id").unwrap_or_else(|| mail.data.clone());
        match faults.draw(&luck, &mail.to) {
            None => {
                let number = self.accept(mails);
                self.used = true;
                if whim("lost") {
                    return Ok(false);
                }
                self.say(&format!("250 2.0.0 taken as {number}")).await?;
            }
            // SMTP has no answer that leaves open what became of a mail: only none does.
            Some(Fault::AcceptThenReset | Fault::Error500AfterAccept) => {
                self.accept(mails);
                return self.reset();
            }
            Some(Fault::ResetBeforeAccept) => return self.reset(),
            Some(Fault::Timeout { accepted }) => {
                if accepted {
                    self.accept(mails);
                }
                self.until_left().await?;
                return Ok(false);
            }
            Some(Fault::Error500) => self.say("451 4.3.0 something is broken here").await?,
            Some(Fault::RateLimited { .. }) => self.say("451 4.7.1 too much, come back later").await?,
            Some(Fault::Answer(answer)) => self.say(&line_of(&answer)).await?,
            Some(Fault::AnswerAfterAccept(answer)) => {
                self.accept(mails);
                self.say(&line_of(&answer)).await?;
            }
        }
        Ok(true)
    }

    /// Writes all down; the last one's number.
    fn accept(&self, mails: &[Mail]) -> String {
        mails.iter().map(|mail| self.shared.accept(mail)).last().unwrap_or_default()
    }

    fn reset(&self) -> io::Result<bool> {
        self.stream.get_ref().set_zero_linger()?;
        Ok(false)
    }

    async fn until_left(&mut self) -> io::Result<()> {
        let mut unread = [0; 1024];
        while self.stream.read(&mut unread).await? > 0 {}
        Ok(())
    }

    /// The next line without its end; none if the peer has left.
    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut bytes = Vec::new();
        if self.stream.read_until(b'\n', &mut bytes).await? == 0 {
            return Ok(None);
        }
        let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some(String::from_utf8_lossy(line).into_owned()))
    }

    async fn say(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await
    }
}

fn line_of(answer: &Answer) -> String {
    format!("{} {}", answer.status, String::from_utf8_lossy(&answer.body))
}

/// The address in `FROM:<a@b> …`.
fn address(text: &str) -> Option<String> {
    let (_, from) = text.split_once('<')?;
    from.split_once('>').map(|(address, _)| address.to_owned())
}
