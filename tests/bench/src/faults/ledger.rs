//! The ledger: what handlers did, each line on the disk before the handler goes on.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::Arc,
};

use engine::finish::Claim;
use uuid::Uuid;

use crate::Outcome;

/// What a line tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A handler began.
    Began,
    /// It came to its end; of an effect, that its transaction has committed.
    Ended,
    /// The claim was lost, and the effect rolled back.
    Refused,
}

/// A line of the ledger.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    pub what: What,
    pub job: Uuid,
    pub fence: i64,
    /// Seconds since the machine started: one clock for all processes, which nothing sets.
    pub at: f64,
    pub process: u32,
}

/// The end at which a process writes.
#[derive(Clone)]
pub struct Pen(Arc<File>);

impl Pen {
    pub fn open(path: &Path) -> Outcome<Self> {
        Ok(Self(Arc::new(OpenOptions::new().create(true).append(true).open(path)?)))
    }

    /// Writes a line and waits until it is on the disk.
    pub async fn note(&self, what: What, claim: &Claim) -> Outcome<()> {
        let word = match what {
            What::Began => 'b',
            What::Ended => 'e',
            What::Refused => 'r',
        };
        let line = format!("{word} {} {} {} {}\n", claim.job, claim.fence, uptime()?, std::process::id());
        let file = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || {
            // One write of an appending file: lines of several processes never mix.
            (&*file).write_all(line.as_bytes())?;
            file.sync_data()
        })
        .await??;
        Ok(())
    }
}

/// Every whole line so far; a last one that its writer's death cut short is left out.
pub fn read(path: &Path) -> Outcome<Vec<Line>> {
    let text = std::fs::read_to_string(path)?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(parse).collect()
}

fn parse(line: &str) -> Outcome<Line> {
    let mut words = line.split(' ');
    let mut word = || words.next().ok_or_else(|| format!("a line of the ledger was cut short: {line}"));
    let what = match word()? {
        "b" => What::Began,
        "e" => What::Ended,
        _ => What::Refused,
    };
    Ok(Line {
        what,
        job: word()?.parse()?,
        fence: word()?.parse()?,
        at: word()?.parse()?,
        process: word()?.parse()?,
    })
}

/// Seconds since the machine started.
pub fn uptime() -> Outcome<f64> {
    let text = std::fs::read_to_string("/proc/uptime")?;
    Ok(text.split(' ').next().unwrap_or_default().parse()?)
}
