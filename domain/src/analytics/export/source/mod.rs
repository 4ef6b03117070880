//! What can be taken out row by row: a file for each. A source says which columns it has, reads a page behind a row, and
//! makes cells of a row.

mod calls;
pub(super) mod columns;
mod leads;
mod messages;
mod recipients;

use uuid::Uuid;

pub(super) use self::{calls::Calls, leads::Leads, messages::Messages, recipients::Recipients};
pub use self::{
    calls::{CallColumn, CallSelection},
    leads::LeadColumn,
    messages::{MessageColumn, MessageSelection},
    recipients::{RecipientColumn, RecipientSelection},
};
use super::sheet::Cell;
use crate::{error::Result, tenancy::TenantTx, types::SubjectId, vault::SubjectKeys};

/// Rows of one kind, in the order of their keys.
pub(super) trait Rows: Send + Sync + 'static {
    type Row: Send + 'static;

    /// The names of the columns that were asked for, in that order.
    fn names(&self) -> Vec<String>;

    /// Whether something sealed is among them, so that people's keys are needed.
    fn opens(&self) -> bool;

    /// The rows behind a key, so many or all there are.
    fn page(
        &self,
        tx: &mut TenantTx,
        after: Uuid,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<Self::Row>>> + Send;

    fn key(row: &Self::Row) -> Uuid;

    /// Whose key seals what is sealed of it; none if nothing is.
    fn subject(row: &Self::Row) -> Option<SubjectId>;

    /// Whom it is about, by all ids that it has of them.
    fn people(row: &Self::Row) -> [Option<Uuid>; 2];

    /// A cell for each of the columns.
    fn cells(&self, row: Self::Row, keys: &SubjectKeys, cells: &mut Vec<Cell>);
}
