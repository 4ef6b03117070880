//! Calls.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Rows,
    columns::{OfRows as _, of_rows, wanted},
};
use crate::{
    analytics::export::{
        sheet::Cell,
        store::{self, TakenCall},
    },
    calls::{call::place, held::talk_s, held::wait_s, rules::CallStatus},
    error::Result,
    moment::Moment,
    tenancy::TenantTx,
    types::{AgentId, LeadId, SubjectId, TeamId, TenantId},
    vault::{SubjectKeys, mask},
    words::words,
};

words! {
    /// A column of calls.
    CallColumn {
        Id = "id",
        Direction = "direction",
        Status = "status",
        LeadId = "lead_id",
        AgentId = "agent_id",
        TeamId = "team_id",
        SourceId = "source_id",
        ExternalId = "external_id",
        Number = "number",
        Outcome = "outcome",
        Satisfaction = "satisfaction",
        /// Not in a file that is masked.
        Notes = "notes",
        /// Not in a file that is masked.
        Recording = "recording",
        ValueCents = "value_cents",
        WaitS = "wait_s",
        TalkS = "talk_s",
        StartedAt = "started_at",
        RingingAt = "ringing_at",
        AnsweredAt = "answered_at",
        EndedAt = "ended_at",
        DisposedAt = "disposed_at",
    }
}
of_rows!(CallColumn sealed [Number, Notes, Recording]);

/// Which calls: those that fit everything that is said.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = CallFileFilter)]
pub struct CallSelection {
    pub lead_id: Option<LeadId>,
    pub agent_id: Option<AgentId>,
    pub team_id: Option<TeamId>,
    pub status: Option<CallStatus>,
    /// Begun at this instant or after it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Moment>,
    /// Begun before this instant.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Moment>,
}

/// Calls of a selection.
pub(in crate::analytics::export) struct Calls {
    tenant: TenantId,
    selection: CallSelection,
    columns: Vec<CallColumn>,
    opens: bool,
    full: bool,
}

impl Calls {
    pub(in crate::analytics::export) fn of(
        tenant: TenantId,
        selection: CallSelection,
        columns: Option<&[CallColumn]>,
        full: bool,
    ) -> Self {
        let columns = wanted(columns);
        let opens = columns.iter().any(|column| column.is_sealed());
        Self { tenant, selection, columns, opens, full }
    }
}

impl Rows for Calls {
    type Row = TakenCall;

    fn names(&self) -> Vec<String> {
        self.columns.iter().map(|column| column.as_str().to_owned()).collect()
    }

    fn opens(&self) -> bool {
        self.opens
    }

    async fn page(&self, tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<TakenCall>> {
        let tenant = tx.tenant;
        store::calls_behind(tx.conn(), tenant, &self.selection, after, self.opens, limit).await
    }

    fn key(row: &TakenCall) -> Uuid {
        row.id.0
    }

    fn subject(row: &TakenCall) -> Option<SubjectId> {
        Some(row.subject_id)
    }

    fn people(row: &TakenCall) -> [Option<Uuid>; 2] {
        [Some(row.subject_id.0), row.lead_id.map(|lead| lead.0)]
    }

    fn cells(&self, row: TakenCall, keys: &SubjectKeys, cells: &mut Vec<Cell>) {
        let open =
            |column, sealed: Option<&Vec<u8>>| keys.shown(&place(self.tenant, column, row.id), sealed?);
        let whole = |column, sealed| Cell::from(open(column, sealed).filter(|_| self.full));
        for column in &self.columns {
            cells.push(match column {
                CallColumn::Id => row.id.0.into(),
                CallColumn::Direction => row.direction.as_str().into(),
                CallColumn::Status => row.status.as_str().into(),
                CallColumn::LeadId => row.lead_id.map(|id| id.0).into(),
                CallColumn::AgentId => row.agent_id.map(|id| id.0).into(),
                CallColumn::TeamId => row.team_id.map(|id| id.0).into(),
                CallColumn::SourceId => row.source_id.map(|id| id.0).into(),
                CallColumn::ExternalId => row.external_id.as_deref().into(),
                CallColumn::Number => {
                    let number = open("number_sealed", row.number_sealed.as_ref());
                    number.map(|plain| if self.full { plain } else { mask::phone(&plain) }).into()
                }
                CallColumn::Outcome => row.outcome.as_deref().into(),
                CallColumn::Satisfaction => row.satisfaction.into(),
                CallColumn::Notes => whole("notes_sealed", row.notes_sealed.as_ref()),
                CallColumn::Recording => whole("recording_sealed", row.recording_sealed.as_ref()),
                CallColumn::ValueCents => row.value_cents.into(),
                CallColumn::WaitS => wait_s(row.started_at, row.answered_at, row.ended_at).into(),
                CallColumn::TalkS => talk_s(row.answered_at, row.ended_at).into(),
                CallColumn::StartedAt => row.started_at.into(),
                CallColumn::RingingAt => row.ringing_at.into(),
                CallColumn::AnsweredAt => row.answered_at.into(),
                CallColumn::EndedAt => row.ended_at.into(),
                CallColumn::DisposedAt => row.disposed_at.into(),
            });
        }
    }
}
