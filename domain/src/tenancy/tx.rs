//! The door to what one tenant has.

use std::sync::atomic::Ordering;

use engine::{
    Enqueued, NewJob, Tx,
    enqueue::Provenance,
    finish::{Claim, Ending},
    log::NewEntry,
    operate::{Acted, Action, Bounds},
    schedules::{Refused, Spec, View},
    workflows::{Restarted, Signalled, StepOf},
};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Ctx,
    audit::{self, Entry},
    ctx::{Actor, Platform},
    error::{Error, Result},
    events::{Event, EventType, whose},
    processing::reads::Opens,
    trace,
    types::{SubjectId, TenantId},
};

/// What this product tells its processes besides what the engine does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Topic {
    /// Rows were written to the audit log.
    AuditLog = 1,
    /// What somebody may do has changed.
    Access = 2,
}

/// A transaction behind one tenant's wall. Comes only from a [`Ctx`]. What it changes, tells and
/// enqueues commits together or not at all.
pub struct TenantTx {
    tx: Tx,
    pub tenant: TenantId,
    pub platform: Platform,
    actor: Actor,
    by: Provenance,
    opens: Opens,
    changes_rights: bool,
}

impl TenantTx {
    pub(crate) async fn begin(ctx: &Ctx) -> Result<Self> {
        let tx = ctx.platform.engine.begin_tenant_within(ctx.tenant.0, ctx.patience).await?;
        let (tenant, platform) = (ctx.tenant, ctx.platform.clone());
        let (actor, by, opens) = (ctx.actor, ctx.provenance(), ctx.opens);
        Ok(Self { tx, tenant, platform, actor, by, opens, changes_rights: false })
    }

    /// The connection, for the stores.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.tx.conn()
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// Notes whose data is opened for whoever acts; see [`processing::reads`](crate::processing::reads).
    pub(crate) fn opened(&self, subjects: impl Iterator<Item = SubjectId>) {
        let (who, at) = ((self.tenant, self.actor, self.opens), self.platform.clock.now());
        self.platform.reads.note(who, at, subjects);
    }

    /// Enqueues jobs that commit with this transaction.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn enqueue(&mut self, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
        Ok(self.tx.enqueue(jobs, &self.by).await?)
    }

    /// Tells what happened, and of leads and of messages to them whose they are at this moment.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn emit(&mut self, events: &[Event]) -> Result<()> {
        let tenant = self.tenant;
        self.changes_rights |= events.iter().any(|event| event.kind == EventType::AccessChanged);
        let told = whose::said(self.conn(), tenant, events).await?;
        tell(&mut self.tx, tenant.0, &told).await
    }

    /// Writes down who changed what.
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn audit(&mut self, entries: &[Entry]) -> Result<()> {
        let (tenant, actor) = (self.tenant, self.actor);
        let request = self.by.trace.as_deref().and_then(trace::request_id).map(ToOwned::to_owned);
        let ids: Vec<Uuid> = entries.iter().map(|_| self.platform.chance.id()).collect();
        self.tx.will_tell(Topic::AuditLog as u8);
        audit::store::insert(self.conn(), tenant, actor, request.as_deref(), &ids, entries).await
    }

    /// Ends the caller's own attempts with the effects of this transaction. Answers the jobs that were
    /// still held; see [`engine::Tx::finish`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn finish(&mut self, endings: &[Ending]) -> Result<Vec<Uuid>> {
        Ok(self.tx.finish(endings).await?)
    }

    /// Acts on jobs of the tenant by hand; see [`engine::Tx::act`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn act(&mut self, action: Action, jobs: &[Uuid]) -> Result<Vec<Acted>> {
        Ok(self.tx.act(action, jobs).await?)
    }

    /// Pauses the tenant in a queue; see [`engine::Tx::pause`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause(&mut self, queue: &str, kind: Option<&str>, why: &str) -> Result<()> {
        Ok(self.tx.pause(queue, kind, why).await?)
    }

    /// Takes a pause back; see [`engine::Tx::resume`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn resume(&mut self, queue: &str, kind: Option<&str>) -> Result<bool> {
        Ok(self.tx.resume(queue, kind).await?)
    }

    /// Bounds the tenant in a queue; see [`engine::Tx::limit`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn limit(&mut self, queue: &str, key: Option<&str>, bounds: Bounds) -> Result<()> {
        Ok(self.tx.limit(queue, key, bounds).await?)
    }

    /// Makes a schedule or puts another in its place; see [`engine::Tx::put_schedule`].
    ///
    /// # Errors
    /// If it would never be due, its name is taken or the database refuses.
    pub async fn put_schedule(&mut self, id: Uuid, spec: &Spec) -> Result<(), Refused> {
        self.tx.put_schedule(id, spec, &self.by).await
    }

    /// Pauses a schedule; see [`engine::Tx::pause_schedule`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn pause_schedule(&mut self, view: &View, why: &str) -> Result<bool> {
        Ok(self.tx.pause_schedule(view, why).await?)
    }

    /// Lets a schedule go on; see [`engine::Tx::resume_schedule`].
    ///
    /// # Errors
    /// If its zone is unknown or the database refuses.
    pub async fn resume_schedule(&mut self, view: &View) -> Result<bool> {
        Ok(self.tx.resume_schedule(view).await?)
    }

    /// Takes a schedule of the tenant away; see [`engine::Tx::drop_schedule`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn drop_schedule(&mut self, id: Uuid) -> Result<bool> {
        Ok(self.tx.drop_schedule(self.tenant.0, id).await?)
    }

    /// Begins a run of a schedule now; see [`engine::Tx::run_schedule`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn run_schedule(&mut self, view: &View, job: Uuid) -> Result<Uuid> {
        Ok(self.tx.run_schedule(view, job, &self.by).await?)
    }

    /// Starts a workflow by its first job; see [`engine::Tx::start_workflows`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn start_workflow(&mut self, first: NewJob) -> Result<Enqueued> {
        let started = self.tx.start_workflows(vec![first], &self.by).await?;
        started.into_iter().next().ok_or_else(|| Error::internal("a start without an answer"))
    }

    /// Gives a run a signal; see [`engine::Tx::signal_run`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn signal_run(&mut self, run: Uuid, name: &str, payload: &Value) -> Result<Signalled> {
        Ok(self.tx.signal_run(run, name, payload, &self.by).await?)
    }

    /// Stops a run; see [`engine::Tx::cancel_run`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn cancel_run(&mut self, run: Uuid) -> Result<Option<String>> {
        Ok(self.tx.cancel_run(run).await?)
    }

    /// Takes a run up again; see [`engine::Tx::restart_run`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn restart_run(&mut self, run: Uuid, from: Option<&str>) -> Result<Restarted> {
        Ok(self.tx.restart_run(run, from).await?)
    }

    /// The step that a running job belongs to; see [`engine::Tx::step_of`].
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn step_of(&mut self, claim: &Claim) -> Result<Option<StepOf>> {
        Ok(self.tx.step_of(claim).await?)
    }

    /// Adds jobs to the step of a running job; see [`engine::Tx::spread`].
    ///
    /// # Errors
    /// If the database refuses.
    pub async fn spread(
        &mut self,
        claim: &Claim,
        jobs: Vec<NewJob>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<bool> {
        Ok(self.tx.spread(claim, jobs, &self.by, from, to).await?)
    }

    /// # Errors
    /// If the commit fails; nothing happened then.
    pub async fn commit(self) -> Result<()> {
        self.tx.commit().await?;
        if self.changes_rights {
            self.platform.rights_changed.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }
}

/// Writes events to the log; of changed rights processes are told besides, which remember them.
pub(super) async fn tell(tx: &mut Tx, tenant: Uuid, events: &[Event]) -> Result<()> {
    if events.iter().any(|event| event.kind == EventType::AccessChanged) {
        tx.will_tell(Topic::Access as u8);
    }
    let entries: Vec<NewEntry> = events.iter().map(|event| event.entry(tenant)).collect();
    Ok(tx.log(&entries).await?)
}
