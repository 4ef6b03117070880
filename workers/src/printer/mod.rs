//! Reports as PDF: what a report says, in words and numbers as people read them, is set by the crate `paper`.
//!
//! - [`Press`] sets them, one after the other
//! - `page` a report as a document; `said` its numbers, `steps` what stands below its charts. Pure

mod page;
mod said;
mod steps;

use std::{fmt::Display, io, sync::Arc, time::Duration};

use async_trait::async_trait;
use domain::{
    Error, Result,
    analytics::{document::Report, export::printer::Printer},
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

/// How long a document waits for those before it. With [`PATIENCE`] it is less than a job that writes a report may take.
const WAIT: Duration = Duration::from_mins(5);
/// How long a document may take: ten times what the largest one does.
const PATIENCE: Duration = Duration::from_mins(2);

/// Sets one document at a time: the largest that there can be takes some 800 MB (`paper::render`). A process has one.
#[derive(Debug)]
pub struct Press {
    turn: Arc<Semaphore>,
    wait: Duration,
    patience: Duration,
}

impl Default for Press {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), wait: WAIT, patience: PATIENCE }
    }
}

#[async_trait]
impl Printer for Press {
    async fn print(&self, report: Report) -> Result<Vec<u8>> {
        self.set(move || paper::render(&page::of(&report))).await
    }
}

impl Press {
    /// A conflict where the same document would come to the same again.
    async fn set(
        &self,
        render: impl FnOnce() -> Result<Vec<u8>, paper::Error> + Send + 'static,
    ) -> Result<Vec<u8>> {
        let turn = timeout(self.wait, Arc::clone(&self.turn).acquire_owned());
        let late =
            |_| Error::internal(io::Error::other("too many reports are to be set as PDF before this one"));
        let turn = turn.await.map_err(late)?.map_err(Error::internal)?;
        let pages = spawn_blocking(move || {
            // A thread cannot be broken off: whoever is next waits for it, also if nobody else does any more.
            let _turn = turn;
            render()
        });
        match timeout(self.patience, pages).await {
            Ok(Ok(Ok(pages))) => Ok(pages),
            Ok(Ok(Err(cause))) => Err(refused(&cause)),
            Ok(Err(cause)) if cause.is_panic() => Err(refused(&cause)),
            Ok(Err(cause)) => Err(Error::internal(cause)),
            Err(_) => Err(Error::conflict(
                "print-too-long",
                "the report takes too long to be set as PDF; ask for fewer days, or for csv, json or ndjson",
            )),
        }
    }
}

/// A mistake of ours, whose cause is for the log.
fn refused(cause: &dyn Display) -> Error {
    tracing::error!(%cause, "a report cannot be set as PDF");
    Error::conflict("not-printed", "the report cannot be set as PDF; ask for csv, json or ndjson")
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn press(milliseconds: u64) -> Press {
        let short = Duration::from_millis(milliseconds);
        Press { wait: short, patience: short, ..Press::default() }
    }

    fn kind(set: &Result<Vec<u8>>) -> Option<&'static str> {
        match set {
            Err(Error::Conflict { kind, .. }) => Some(kind),
            _ => None,
        }
    }

    #[tokio::test]
    async fn what_cannot_be_set_is_refused_and_the_next_one_has_its_turn() {
        let press = Press::default();
        let failed = press.set(|| Err(paper::Error::Pages("too thin".into()))).await;
        assert_eq!(kind(&failed), Some("not-printed"));
        let panicked = press.set(|| panic!("a test")).await;
        assert_eq!(kind(&panicked), Some("not-printed"));
        assert_eq!(press.set(|| Ok(vec![1])).await.expect("set"), [1]);
    }

    #[tokio::test]
    async fn whoever_is_late_is_given_up_and_others_wait_until_they_are_over() {
        let press = press(20);
        let (ends, waits) = mpsc::channel::<()>();
        let late = press.set(move || {
            let _ = waits.recv();
            Ok(vec![])
        });
        assert_eq!(kind(&late.await), Some("print-too-long"));
        let next = press.set(|| Ok(vec![])).await;
        assert!(matches!(next, Err(Error::Internal(_))), "it may be tried again: {next:?}");
        drop(ends);
        let press = Press { wait: WAIT, patience: PATIENCE, ..press };
        assert!(press.set(|| Ok(vec![])).await.is_ok());
    }
}
