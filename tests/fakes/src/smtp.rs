//! A mail server (RFC 5321) that writes down what it takes.
//!
//! How it behaves is said by the recipient's local part:
//! `refuse-550-5.1.1` answers RCPT with that; `busy` answers 451 the first time; `lost` takes the mail
//! and breaks the connection without a word; `cut` breaks it before the final dot is answered and does
//! not take the mail; `slow` waits before it answers. All others are taken.

use std::{
    collections::HashSet,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinHandle,
};

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub from: String,
    pub to: String,
    /// Head and body as they came, dots unstuffed.
    pub data: String,
}

impl Mail {
    /// A header's value; headers that go over several lines are unfolded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\n\n").next().unwrap_or_default().replace("\n ", " ");
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }
}

/// What the server is like, whoever writes to it.
#[derive(Debug, Clone, Default)]
pub struct Nature {
    /// How long it thinks about each mail.
    pub delay: Duration,
    /// `AUTH PLAIN` is wanted, with this user and password.
    pub login: Option<(String, String)>,
}

/// The server. It ends when it is dropped.
pub struct Server {
    pub addr: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    nature: Nature,
    ledger: Mutex<Vec<Mail>>,
    seen_busy: Mutex<HashSet<String>>,
    connections: Mutex<usize>,
}

impl Server {
    /// Starts on a free port of the loopback interface.
    ///
    /// # Errors
    /// If there is none.
    pub async fn start(nature: Nature) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let addr = listener.local_addr()?;
        let shared = Arc::new(Shared { nature, ..Shared::default() });
        let task = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { addr, shared, task })
    }

    /// Everything that was taken, in order.
    #[must_use]
    pub fn ledger(&self) -> Vec<Mail> {
        lock(&self.shared.ledger).clone()
    }

    /// How many connections were opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        *lock(&self.shared.connections)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        *lock(&shared.connections) += 1;
        let shared = Arc::clone(&shared);
        // A peer that breaks off is part of the game.
        tokio::spawn(async move { serve(stream, &shared).await.unwrap_or_default() });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Input = Lines<BufReader<OwnedReadHalf>>;

async fn serve(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (input, mut out) = stream.into_split();
    let mut input = BufReader::new(input).lines();
    say(&mut out, "220 fake.example ESMTP").await?;
    let (mut from, mut to, mut known) = (None, None, shared.nature.login.is_none());
    while let Some(line) = input.next_line().await? {
        let (verb, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => {
                let login = if shared.nature.login.is_some() { "250-AUTH PLAIN\r\n" } else { "" };
                say(&mut out, &format!("250-fake.example\r\n250-8BITMIME\r\n{login}250 ENHANCEDSTATUSCODES"))
                    .await?;
            }
            "AUTH" => {
                known = shared.nature.login.as_ref().is_some_and(|(user, password)| {
                    rest.strip_prefix("PLAIN ")
                        == Some(STANDARD.encode(format!("\0{user}\0{password}")).as_str())
                });
                say(&mut out, if known { "235 2.7.0 welcome" } else { "535 5.7.8 who are you" }).await?;
            }
            "MAIL" if !known => say(&mut out, "530 5.7.0 log in first").await?,
            "MAIL" => {
                (from, to) = (address(rest), None);
                say(&mut out, "250 2.1.0 go on").await?;
            }
            "RCPT" => {
                let address = address(rest).unwrap_or_default();
                match refusal(&address, shared) {
                    Some(no) => say(&mut out, &no).await?,
                    None => {
                        to = Some(address);
                        say(&mut out, "250 2.1.5 go on").await?;
                    }
                }
            }
            "DATA" => match (from.take(), to.take()) {
                (Some(from), Some(to)) => {
                    say(&mut out, "354 end with a dot").await?;
                    let data = read_data(&mut input).await?;
                    if !take(Mail { from, to, data }, shared, &mut out).await? {
                        return Ok(());
                    }
                }
                _ => say(&mut out, "503 5.5.1 MAIL and RCPT first").await?,
            },
            "RSET" => {
                (from, to) = (None, None);
                say(&mut out, "250 2.0.0 forgotten").await?;
            }
            "NOOP" => say(&mut out, "250 2.0.0 still here").await?,
            "QUIT" => return say(&mut out, "221 2.0.0 bye").await,
            _ => say(&mut out, "500 5.5.2 what?").await?,
        }
    }
    Ok(())
}

/// Takes a mail as its recipient wants; `false` breaks the connection.
async fn take(mail: Mail, shared: &Shared, out: &mut OwnedWriteHalf) -> io::Result<bool> {
    let whim = mail.to.split('@').next().unwrap_or_default().to_owned();
    if whim == "cut" {
        return Ok(false);
    }
    tokio::time::sleep(shared.nature.delay).await;
    if whim == "slow" {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let number = {
        let mut ledger = lock(&shared.ledger);
        ledger.push(mail);
        ledger.len()
    };
    if whim == "lost" {
        return Ok(false);
    }
    say(out, &format!("250 2.0.0 taken as {number}")).await?;
    Ok(true)
}

fn refusal(address: &str, shared: &Shared) -> Option<String> {
    let whim = address.split('@').next().unwrap_or_default();
    if let Some((code, enhanced)) = whim.strip_prefix("refuse-").and_then(|codes| codes.split_once('-')) {
        return Some(format!("{code} {enhanced} no mail for {address}"));
    }
    let first = whim == "busy" && lock(&shared.seen_busy).insert(address.to_owned());
    first.then(|| "451 4.7.1 come back later".to_owned())
}

async fn read_data(input: &mut Input) -> io::Result<String> {
    let mut data = String::new();
    while let Some(line) = input.next_line().await? {
        if line == "." {
            return Ok(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push('\n');
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

/// The address in `FROM:<a@b> …`.
fn address(text: &str) -> Option<String> {
    let (_, from) = text.split_once('<')?;
    from.split_once('>').map(|(address, _)| address.to_owned())
}

async fn say(out: &mut OwnedWriteHalf, text: &str) -> io::Result<()> {
    out.write_all(format!("{text}\r\n").as_bytes()).await
}
