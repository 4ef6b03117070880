//! Leads.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::{
    Rows,
    columns::{OfRows as _, of_rows, wanted},
};
use crate::{
    analytics::export::{FileFormat, sheet::Cell},
    error::Result,
    leads::{
        export::rows::{self, Selection, TakenLead},
        lead::{place, subject},
    },
    tenancy::TenantTx,
    types::{LeadId, SubjectId, TenantId},
    vault::{SubjectKeys, mask},
    words::words,
};

words! {
    /// A column of leads. In a spreadsheet `attributes` is a column `attr.<name>` for each attribute that is defined.
    LeadColumn {
        Id = "id",
        Name = "name",
        Phone = "phone",
        Email = "email",
        Status = "status",
        Source = "source",
        Language = "language",
        Region = "region",
        ValueCents = "value_cents",
        CostCents = "cost_cents",
        Tags = "tags",
        Score = "score",
        OwnerId = "owner_id",
        TeamId = "team_id",
        ImportId = "import_id",
        AssignedAt = "assigned_at",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
        Attributes = "attributes",
    }
}
of_rows!(LeadColumn sealed [Name, Phone, Email, Attributes]);

/// Leads of a selection.
pub(in crate::analytics::export) struct Leads {
    tenant: TenantId,
    selection: Selection,
    columns: Vec<LeadColumn>,
    opens: bool,
    full: bool,
    /// Attributes that have a column of their own.
    own: Vec<String>,
    /// Attributes that are shown though the file is masked.
    plain: HashSet<String>,
}

impl Leads {
    pub(in crate::analytics::export) async fn find(
        tx: &mut TenantTx,
        selection: Selection,
        columns: Option<&[LeadColumn]>,
        (format, full): (FileFormat, bool),
    ) -> Result<Self> {
        let columns = wanted(columns);
        let defined = rows::attributes(tx).await?;
        let plain = defined.iter().filter(|(_, personal)| !personal).map(|(name, _)| name.clone()).collect();
        let own = match format {
            FileFormat::Csv => defined.into_iter().map(|(name, _)| name).collect(),
            FileFormat::Json | FileFormat::Ndjson | FileFormat::Pdf => Vec::new(),
        };
        let opens = columns.iter().any(|column| column.is_sealed());
        Ok(Self { tenant: tx.tenant, selection, columns, opens, full, own, plain })
    }

    /// Attributes as whoever takes them out may see them.
    fn shown(&self, text: &str) -> Option<Value> {
        // What is no JSON was not written by us, and takes no other row with it.
        let mut all: serde_json::Map<String, Value> = serde_json::from_str(text).ok()?;
        if !self.full {
            all.retain(|name, _| self.plain.contains(name));
        }
        (!all.is_empty()).then_some(Value::Object(all))
    }
}

impl Rows for Leads {
    type Row = TakenLead;

    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for column in &self.columns {
            match column {
                LeadColumn::Attributes if !self.own.is_empty() => {
                    names.extend(self.own.iter().map(|name| format!("attr.{name}")));
                }
                column => names.push(column.as_str().to_owned()),
            }
        }
        names
    }

    fn opens(&self) -> bool {
        self.opens
    }

    async fn page(&self, tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<TakenLead>> {
        self.selection.behind(tx, LeadId(after), self.opens, limit).await
    }

    fn key(row: &TakenLead) -> Uuid {
        row.id.0
    }

    fn subject(row: &TakenLead) -> Option<SubjectId> {
        Some(subject(row.id))
    }

    fn people(row: &TakenLead) -> [Option<Uuid>; 2] {
        [Some(row.id.0), None]
    }

    fn cells(&self, row: TakenLead, keys: &SubjectKeys, cells: &mut Vec<Cell>) {
        let id = row.id;
        let open = |column, sealed: Option<&Vec<u8>>| keys.shown(&place(self.tenant, column, id), sealed?);
        let seen = |column, sealed: Option<&Vec<u8>>, mask: fn(&str) -> String| -> Cell {
            open(column, sealed).map(|plain| if self.full { plain } else { mask(&plain) }).into()
        };
        let TakenLead { mut status, mut source, mut tags, .. } = row;
        for column in &self.columns {
            cells.push(match column {
                LeadColumn::Id => id.0.into(),
                LeadColumn::Name => seen("name_sealed", row.name_sealed.as_ref(), mask::name),
                LeadColumn::Phone => seen("phone_sealed", row.phone_sealed.as_ref(), mask::phone),
                LeadColumn::Email => seen("email_sealed", row.email_sealed.as_ref(), mask::email),
                // A column is there once.
                LeadColumn::Status => std::mem::take(&mut status).into(),
                LeadColumn::Source => std::mem::take(&mut source).into(),
                LeadColumn::Language => row.language.as_deref().into(),
                LeadColumn::Region => row.region.as_deref().into(),
                LeadColumn::ValueCents => row.value_cents.into(),
                LeadColumn::CostCents => row.cost_cents.into(),
                LeadColumn::Tags => Cell::List(std::mem::take(&mut tags)),
                LeadColumn::Score => row.score.into(),
                LeadColumn::OwnerId => row.owner_id.map(|id| id.0).into(),
                LeadColumn::TeamId => row.team_id.map(|id| id.0).into(),
                LeadColumn::ImportId => row.import_id.map(|id| id.0).into(),
                LeadColumn::AssignedAt => row.assigned_at.into(),
                LeadColumn::CreatedAt => row.created_at.into(),
                LeadColumn::UpdatedAt => row.updated_at.into(),
                LeadColumn::Attributes => {
                    let text = open("attributes_sealed", row.attributes_sealed.as_ref());
                    let shown = text.and_then(|text| self.shown(&text));
                    if !self.own.is_empty() {
                        let of = |name: &String| shown.as_ref().and_then(|all| all.get(name)).cloned();
                        cells.extend(self.own.iter().map(|name| of(name).map_or(Cell::None, Cell::Json)));
                        continue;
                    }
                    shown.map_or(Cell::None, Cell::Json)
                }
            });
        }
    }
}
