//! Recipients of a run of a campaign: ids, and words of ours. Nothing of them is sealed.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Rows,
    columns::{of_rows, wanted},
};
use crate::{
    analytics::export::{
        sheet::Cell,
        store::{self, TakenRecipient},
    },
    campaigns::{recipients, rules::lifecycle::RecipientStatus},
    error::Result,
    tenancy::TenantTx,
    types::{CampaignId, CampaignRunId, SubjectId},
    vault::SubjectKeys,
    words::words,
};

words! {
    /// A column of recipients.
    RecipientColumn {
        LeadId = "lead_id",
        Status = "status",
        Reason = "reason",
        Variant = "variant",
        Channel = "channel",
        Zone = "zone",
        MessageId = "message_id",
        DueAt = "due_at",
        UpdatedAt = "updated_at",
    }
}
of_rows!(RecipientColumn sealed []);

/// Whose recipients, and which of them.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RecipientFileFilter)]
pub struct RecipientSelection {
    pub campaign_id: CampaignId,
    /// The newest run if not said.
    pub run_id: Option<CampaignRunId>,
    pub status: Option<RecipientStatus>,
}

/// Recipients of a run.
pub(in crate::analytics::export) struct Recipients {
    run: CampaignRunId,
    status: Option<RecipientStatus>,
    columns: Vec<RecipientColumn>,
    variants: Vec<String>,
}

impl Recipients {
    /// # Errors
    /// If there is no such campaign or run, or the database does not answer.
    pub(in crate::analytics::export) async fn find(
        tx: &mut TenantTx,
        selection: &RecipientSelection,
        columns: Option<&[RecipientColumn]>,
    ) -> Result<Self> {
        let (run, variants) = recipients::of_run(tx, selection.campaign_id, selection.run_id).await?;
        Ok(Self { run, status: selection.status, columns: wanted(columns), variants })
    }
}

impl Rows for Recipients {
    type Row = TakenRecipient;

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.as_str().to_owned()).collect()
    }

    fn opens(&self) -> bool {
        false
    }

    async fn page(&self, tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<TakenRecipient>> {
        let tenant = tx.tenant;
        store::recipients_behind(tx.conn(), tenant, self.run, self.status, after, limit).await
    }

    fn key(row: &TakenRecipient) -> Uuid {
        row.lead_id.0
    }

    fn subject(_: &TakenRecipient) -> Option<SubjectId> {
        None
    }

    fn people(row: &TakenRecipient) -> [Option<Uuid>; 2] {
        [Some(row.lead_id.0), None]
    }

    fn cells(&self, row: TakenRecipient, _: &SubjectKeys, cells: &mut Vec<Cell>) {
        for column in &self.columns {
            cells.push(match column {
                RecipientColumn::LeadId => row.lead_id.0.into(),
                RecipientColumn::Status => row.status.as_str().into(),
                RecipientColumn::Reason => row.reason.as_deref().into(),
                RecipientColumn::Variant => {
                    let place = row.variant.and_then(|place| usize::try_from(place).ok());
                    place.and_then(|place| self.variants.get(place)).map(String::as_str).into()
                }
                RecipientColumn::Channel => row.channel.as_deref().into(),
                RecipientColumn::Zone => row.zone.as_deref().into(),
                RecipientColumn::MessageId => row.message_id.map(|id| id.0).into(),
                RecipientColumn::DueAt => row.due_at.into(),
                RecipientColumn::UpdatedAt => row.updated_at.into(),
            });
        }
    }
}
