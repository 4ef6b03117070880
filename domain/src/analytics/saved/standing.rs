//! What became of the times that saved reports were sent, for whoever looks at them.

use std::collections::HashMap;

use engine::workflows;
use uuid::Uuid;

use super::{DeliveryView, store};
use crate::{Ctx, access::permission::Permission, error::Result, tenancy::TenantTx, types::SavedReportId};

/// How a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its file is written, or its mails are handed over.
    UnderWay,
    /// Its mails were handed over.
    Sent,
    /// Its run has ended, and nobody was written to.
    Nobody,
    /// Its run has failed, was cancelled, or is not known any more.
    Failed,
}

impl Standing {
    /// By the state of its run, if that is known.
    fn of(delivery: &DeliveryView, run: Option<&str>) -> Self {
        match (delivery.sent_at, run) {
            (Some(_), _) => Self::Sent,
            (None, Some("running" | "stopping")) => Self::UnderWay,
            (None, Some("completed")) => Self::Nobody,
            (None, _) => Self::Failed,
        }
    }
}

/// The newest delivery of each of these reports that was sent at all, and how it is.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn newest(
    ctx: &Ctx,
    reports: &[SavedReportId],
) -> Result<HashMap<SavedReportId, (DeliveryView, Standing)>> {
    ctx.require(Permission::AnalyticsRead)?;
    let mut tx = ctx.begin().await?;
    let mut newest = HashMap::new();
    for (report, delivery) in store::newest(tx.conn(), ctx.tenant, reports).await? {
        let standing = standing(&mut tx, &delivery).await?;
        newest.insert(report, (delivery, standing));
    }
    Ok(newest)
}

/// How each of these deliveries is, by its id.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn standings(ctx: &Ctx, deliveries: &[DeliveryView]) -> Result<HashMap<Uuid, Standing>> {
    ctx.require(Permission::AnalyticsRead)?;
    let mut tx = ctx.begin().await?;
    let mut standings = HashMap::new();
    for delivery in deliveries {
        standings.insert(delivery.id, standing(&mut tx, delivery).await?);
    }
    Ok(standings)
}

/// The run is asked for only where nothing was sent, which is rare.
async fn standing(tx: &mut TenantTx, delivery: &DeliveryView) -> Result<Standing> {
    if delivery.sent_at.is_some() {
        return Ok(Standing::Sent);
    }
    let tenant = tx.tenant;
    let run = workflows::get(tx.conn(), tenant.0, delivery.id).await?;
    Ok(Standing::of(delivery, run.as_ref().map(|run| run.state.as_str())))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;
    use crate::types::AnalyticsExportId;

    #[test]
    fn what_was_sent_is_sent_whatever_became_of_its_run() {
        let delivery = |sent: bool| DeliveryView {
            id: Uuid::nil(),
            from: NaiveDate::MIN,
            to: NaiveDate::MAX,
            zone: "UTC".into(),
            export_id: AnalyticsExportId(Uuid::nil()),
            created_at: DateTime::UNIX_EPOCH,
            sent_at: sent.then_some(DateTime::UNIX_EPOCH),
            messages: sent.then_some(1),
        };
        for (sent, run, wanted) in [
            (true, None, Standing::Sent),
            (true, Some("failed"), Standing::Sent),
            (false, Some("running"), Standing::UnderWay),
            (false, Some("completed"), Standing::Nobody),
            (false, Some("failed"), Standing::Failed),
            (false, None, Standing::Failed),
        ] {
            assert_eq!(Standing::of(&delivery(sent), run), wanted, "{sent} {run:?}");
        }
    }
}
