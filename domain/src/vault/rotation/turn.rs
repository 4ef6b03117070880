//! A rotation is carried on by one turn, in one transaction.

use std::time::Duration;

use uuid::Uuid;

use super::{
    Phase, What, data, people,
    store::{self, RotationRow},
    tenant, wrapping,
};
use crate::{
    Ctx,
    audit::Entry,
    error::Result,
    tenancy::{SystemTx, TenantTx},
    upkeep::ITSELF,
};

/// How soon is looked again whether transactions are over.
const LOOK: Duration = Duration::from_millis(500);

/// What a turn came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// There is more to do in this phase.
    Again,
    /// Others must end first.
    Wait(Duration),
    /// The rotation is in this phase now.
    Past(Phase),
    /// There is no such rotation.
    Gone,
}

/// Takes a turn, unless the rotation is past this phase. Whoever takes one holds the rotation until it is over.
///
/// # Errors
/// If the database or a key-encryption key refuses; the rotation stands where it stood then.
pub async fn take(ctx: &Ctx, rotation: Uuid, phase: Phase) -> Result<(Turn, i64)> {
    if ctx.tenant == ITSELF {
        return of_installation(ctx, rotation, phase).await;
    }
    let mut tx = ctx.begin().await?;
    let Some(mut row) = store::lock(tx.conn(), ctx.tenant, rotation).await? else {
        return Ok((Turn::Gone, 0));
    };
    if row.phase > phase || row.phase >= Phase::Done {
        return Ok((Turn::Past(row.phase), row.done));
    }
    let before = row.phase;
    let mut turn = match waits(&mut row, tx.conn()).await? {
        Some(wait) => wait,
        None => go_on(ctx, &mut tx, &mut row).await?,
    };
    if row.phase != before {
        turn = Turn::Past(row.phase);
    }
    store::save(tx.conn(), ctx.tenant, &row).await?;
    if row.phase == Phase::Done {
        tx.audit(&[ended(&row)]).await?;
    }
    tx.commit().await?;
    Ok((turn, row.done))
}

async fn of_installation(ctx: &Ctx, rotation: Uuid, phase: Phase) -> Result<(Turn, i64)> {
    let mut tx = SystemTx::begin(&ctx.platform.engine).await?;
    let Some(mut row) = store::lock(tx.conn(), ITSELF, rotation).await? else { return Ok((Turn::Gone, 0)) };
    if row.phase > phase || row.phase >= Phase::Done {
        return Ok((Turn::Past(row.phase), row.done));
    }
    wrapping::all(&ctx.platform, tx.conn(), &mut row).await?;
    let turn = if row.phase == Phase::Done { Turn::Past(row.phase) } else { Turn::Again };
    store::save(tx.conn(), ITSELF, &row).await?;
    if row.phase == Phase::Done {
        let by = crate::ctx::OperatorCtx::of_machine(&ctx.platform);
        tx.audit(&by, ITSELF, &[ended(&row)]).await?;
    }
    tx.commit().await?;
    Ok((turn, row.done))
}

fn ended(row: &RotationRow) -> Entry {
    let detail = serde_json::json!({ "what": row.what, "done": row.done, "kept": row.kept.len() });
    Entry::new("rotated", "keys", row.id).detail(detail).notice()
}

/// Whether transactions must be over that are not. The first turn of a phase writes down which there are: what the phase
/// before has written is committed by then, so whoever begins later sees it.
async fn waits(row: &mut RotationRow, conn: &mut sqlx::PgConnection) -> Result<Option<Turn>> {
    let left = match &row.awaited {
        Some(none) if none.is_empty() => return Ok(None),
        Some(awaited) => store::going_on(conn, Some(awaited)).await?,
        None => store::going_on(conn, None).await?,
    };
    let is_over = left.is_empty();
    row.awaited = Some(left);
    Ok((!is_over).then_some(Turn::Wait(LOOK)))
}

async fn go_on(ctx: &Ctx, tx: &mut TenantTx, row: &mut RotationRow) -> Result<Turn> {
    match (row.phase, row.what) {
        (Phase::Rewrap, _) => wrapping::of_tenant(&ctx.platform, tx.conn(), ctx.tenant, row).await?,
        (Phase::Make, What::Subjects) => people::make(tx, row).await?,
        (Phase::Make, _) => tenant::make(tx, row).await?,
        (Phase::Switch, What::Subjects) => people::switch(tx, row).await?,
        (Phase::Switch, _) => tenant::switch(tx, row).await?,
        (Phase::Reseal, _) => data::reseal(tx, row).await?,
        (Phase::Destroy, What::Subjects) => people::destroy(tx, row).await?,
        (Phase::Destroy, _) => tenant::destroy(tx, row).await?,
        (Phase::Done | Phase::GivenUp, _) => {}
    }
    Ok(Turn::Again)
}

impl RotationRow {
    /// The next phase, which begins once all transactions of this moment are over.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.clean_passes = 0;
        self.begin_anew();
    }

    /// The next phase, for which nobody must be waited.
    pub(super) fn enter_at_once(&mut self, phase: Phase) {
        self.enter(phase);
        self.awaited = Some(Vec::new());
    }

    /// Another pass, once all transactions of this moment are over.
    pub(super) fn begin_anew(&mut self) {
        self.awaited = None;
        self.tenant_at = Uuid::nil();
        self.part = 0;
        self.after_id = Uuid::nil();
        self.found = 0;
    }
}
