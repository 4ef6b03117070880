//! Many small writes of one tenant as one statement: whoever comes first waits a moment for others.

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{Ctx, Error, Result, types::TenantId};
use tokio::sync::oneshot;

/// Items in one batch.
const MOST: usize = 200;
/// How long the first item waits for others.
const LINGER: Duration = Duration::from_millis(2);

type Work<I, O> = dyn Fn(Ctx, Vec<I>) -> Pin<Box<dyn Future<Output = Result<Vec<O>>> + Send>> + Send + Sync;
type Waiting<I, O> = Vec<(I, oneshot::Sender<Result<O, Arc<Error>>>)>;

/// Collects items by tenant. Batches never mix tenants.
pub struct Batches<I, O>(Arc<Inner<I, O>>);

struct Inner<I, O> {
    work: Box<Work<I, O>>,
    open: Mutex<HashMap<TenantId, Waiting<I, O>>>,
}

impl<I: Send + 'static, O: Send + 'static> Batches<I, O> {
    /// `work` answers one value for each item, in their order.
    pub fn new<F, Fut>(work: F) -> Self
    where
        F: Fn(Ctx, Vec<I>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<O>>> + Send + 'static,
    {
        let work: Box<Work<I, O>> = Box::new(move |ctx, items| Box::pin(work(ctx, items)));
        Self(Arc::new(Inner { work, open: Mutex::default() }))
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
                tokio::time::sleep(LINGER).await;
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
    async fn run(self: Arc<Self>, ctx: Ctx, batch: Waiting<I, O>) {
        if batch.is_empty() {
            return;
        }
        let (items, waiting): (Vec<I>, Vec<_>) = batch.into_iter().unzip();
        match (self.work)(ctx, items).await {
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
