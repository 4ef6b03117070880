//! Messages.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Rows,
    columns::{OfRows as _, of_rows, wanted},
};
use crate::{
    analytics::export::{
        sheet::Cell,
        store::{self, TakenMessage},
    },
    error::Result,
    messages::{
        provider::Channel,
        recipient::mask_of,
        rules::{Purpose, Status},
        send::place,
    },
    moment::Moment,
    tenancy::TenantTx,
    types::{LeadId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::SubjectKeys,
    words::words,
};

words! {
    /// A column of messages.
    MessageColumn {
        Id = "id",
        Status = "status",
        Channel = "channel",
        Purpose = "purpose",
        LeadId = "lead_id",
        ProviderId = "provider_id",
        TemplateId = "template_id",
        BatchId = "batch_id",
        To = "to",
        Attempts = "attempts",
        Failure = "failure",
        ErrorCode = "error_code",
        SendAt = "send_at",
        ExpiresAt = "expires_at",
        SentAt = "sent_at",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
    }
}
of_rows!(MessageColumn sealed [To]);

/// Which messages: those that fit everything that is said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = MessageFileFilter)]
pub struct MessageSelection {
    pub status: Option<Status>,
    pub channel: Option<Channel>,
    pub purpose: Option<Purpose>,
    pub lead_id: Option<LeadId>,
    pub provider_id: Option<ProviderId>,
    pub template_id: Option<TemplateId>,
    pub batch_id: Option<Uuid>,
    /// Accepted at this instant or after it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Accepted before this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// Messages of a selection.
pub(in crate::analytics::export) struct Messages {
    tenant: TenantId,
    selection: MessageSelection,
    columns: Vec<MessageColumn>,
    opens: bool,
    full: bool,
}

impl Messages {
    pub(in crate::analytics::export) fn of(
        tenant: TenantId,
        selection: MessageSelection,
        columns: Option<&[MessageColumn]>,
        full: bool,
    ) -> Self {
        let columns = wanted(columns);
        let opens = columns.iter().any(|column| column.is_sealed());
        Self { tenant, selection, columns, opens, full }
    }
}

impl Rows for Messages {
    type Row = TakenMessage;

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.as_str().to_owned()).collect()
    }

    fn opens(&self) -> bool {
        self.opens
    }

    async fn page(&self, tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<TakenMessage>> {
        let tenant = tx.tenant;
        store::messages_behind(tx.conn(), tenant, &self.selection, after, self.opens, limit).await
    }

    fn key(row: &TakenMessage) -> Uuid {
        row.id.0
    }

    fn subject(row: &TakenMessage) -> Option<SubjectId> {
        Some(row.subject_id)
    }

    fn people(row: &TakenMessage) -> [Option<Uuid>; 2] {
        [Some(row.subject_id.0), row.lead_id.map(|lead| lead.0)]
    }

    fn cells(&self, row: TakenMessage, keys: &SubjectKeys, cells: &mut Vec<Cell>) {
        for column in &self.columns {
            cells.push(match column {
                MessageColumn::Id => row.id.0.into(),
                MessageColumn::Status => row.status.as_str().into(),
                MessageColumn::Channel => row.channel.as_str().into(),
                MessageColumn::Purpose => row.purpose.as_str().into(),
                MessageColumn::LeadId => row.lead_id.map(|id| id.0).into(),
                MessageColumn::ProviderId => row.provider_id.map(|id| id.0).into(),
                MessageColumn::TemplateId => row.template_id.0.into(),
                MessageColumn::BatchId => row.batch_id.into(),
                MessageColumn::To => {
                    let place = place(self.tenant, "to_sealed", row.id);
                    let plain = row.to_sealed.as_ref().and_then(|sealed| keys.shown(&place, sealed));
                    // A channel of which nothing is known is masked as much as any.
                    let mask = Channel::named(&row.channel).map_or(mask_of(Channel::Push), mask_of);
                    plain.map(|plain| if self.full { plain } else { mask(&plain) }).into()
                }
                MessageColumn::Attempts => row.fence.into(),
                MessageColumn::Failure => row.failure.as_deref().into(),
                MessageColumn::ErrorCode => row.error_code.as_deref().into(),
                MessageColumn::SendAt => row.send_at.into(),
                MessageColumn::ExpiresAt => row.expires_at.into(),
                MessageColumn::SentAt => row.sent_at.into(),
                MessageColumn::CreatedAt => row.created_at.into(),
                MessageColumn::UpdatedAt => row.updated_at.into(),
            });
        }
    }
}
