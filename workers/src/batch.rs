//! Many small writes of one tenant as one statement: whoever comes first waits a moment for others.

use std::{
    collections::HashMap,
    future::Future,
    ops::RangeInclusive,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use domain::{Ctx, Error, Result, types::TenantId};
use tokio::sync::oneshot;

/// Items in one batch.
const MOST: usize = 200;
/// How long the first item waits for others: as long as the batch before took, within these bounds. Where there is much to do
/// a statement is slow and its batch large, and where there is little nobody waits.
const LINGER: RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(20);

type Work<I, O> = dyn Fn(Ctx, Vec<I>) -> Pin<Box<dyn Future<Output = Result<Vec<O>>> + Send>> + Send + Sync;
type Waiting<I, O> = Vec<(I, oneshot::Sender<Result<O, Arc<Error>>>)>;

/// Collects items by tenant. Batches never mix tenants.
pub struct Batches<I, O>(Arc<Inner<I, O>>);

struct Inner<I, O> {
    work: Box<Work<I, O>>,
    open: Mutex<HashMap<TenantId, Waiting<I, O>>>,
    /// What the last batch took, in microseconds.
    took: AtomicU64,
}

impl<I: Send + 'static, O: Send + 'static> Batches<I, O> {
    /// `work` answers one value for each item, in their order.
    pub fn new<F, Fut>(work: F) -> Self
    where
        F: Fn(Ctx, Vec<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<O>>> + Send + 'static,
    {
        let work: Box<Work<I, O>> = Box::new(move |ctx, items| Box::pin(work(ctx, items)));
        Self(Arc::new(Inner { work, open: Mutex::default(), took: AtomicU64::default() }))
    }

    /// Adds an item and waits for its batch.
    ///
    /// # Errors
    /// If the work on the batch failed; the items of a batch fail together.
    pub async fn submit(&self, ctx: &Ctx, item: I) -> Result<O> {
        let (told, answer) = oneshot::channel();
        let (first, full) = {
            let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
            let batch = open.entry(ctx.tenant).or_default();
            batch.push((item, told));
            let first = batch.len() == 1;
            let full = if batch.len() >= MOST { open.remove(&ctx.tenant) } else { None };
            (first, full)
        };
        if let Some(full) = full {
            tokio::spawn(Arc::clone(&self.0).run(ctx.clone(), full));
        } else if first {
            let (inner, ctx) = (Arc::clone(&self.0), ctx.clone());
            tokio::spawn(async move {
                tokio::time::sleep(inner.linger()).await;
                let batch = inner.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&ctx.tenant);
                inner.run(ctx, batch.unwrap_or_default()).await;
            });
        }
        match answer.await {
            Ok(answer) => answer.map_err(Error::internal),
            Err(lost) => Err(Error::internal(lost)),
        }
    }
}

impl<I, O> Inner<I, O> {
    fn linger(&self) -> Duration {
        Duration::from_micros(self.took.load(Ordering::Relaxed)).clamp(*LINGER.start(), *LINGER.end())
    }

    async fn run(self: Arc<Self>, ctx: Ctx, batch: Waiting<I, O>) {
        if batch.is_empty() {
            return;
        }
        let (items, waiting): (Vec<I>, Vec<_>) = batch.into_iter().unzip();
        let began = Instant::now();
        let done = (self.work)(ctx, items).await;
        let took = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.took.store(took, Ordering::Relaxed);
        match done {
            // Whoever waited may be gone: an aborted handler does not want its answer.
            Ok(answers) => {
                for (told, answer) in waiting.into_iter().zip(answers) {
                    let _ = told.send(Ok(answer));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for told in waiting {
                    let _ = told.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}
