//! What can be started: one variant and its arms for each workflow.

use engine::{JobKind, NewJob};
use serde::Deserialize;

use super::{OnboardLead, onboard_lead};
use crate::{
    Ctx,
    access::permission::Permission,
    analytics::saved::work::DeliverReport,
    archive::work::ArchiveLogs,
    campaigns::{steer, work::RunCampaign},
    error::{Error, Result},
    privacy::{erasure::work::EraseSubject, export::ExportSubject},
    tenancy::TenantTx,
    vault::rotation::{change, work::RotateKeys},
};

/// A workflow and what it is given.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(tag = "workflow", content = "input", rename_all = "snake_case", deny_unknown_fields)]
pub enum Start {
    /// A lead is scored, routed and welcomed; if it does not reply in time, it is written to once more.
    OnboardLead(OnboardLead),
}

/// Every workflow of this build.
pub const NAMES: [&str; 7] = [
    OnboardLead::KIND,
    RunCampaign::KIND,
    ArchiveLogs::KIND,
    RotateKeys::KIND,
    ExportSubject::KIND,
    EraseSubject::KIND,
    DeliverReport::KIND,
];

impl Start {
    pub(super) fn permissions(&self) -> Result<&'static [Permission]> {
        match self {
            Self::OnboardLead(_) => Self::permissions_of(OnboardLead::KIND),
        }
    }

    /// What whoever has a workflow run must be allowed to do.
    ///
    /// # Errors
    /// If there is no such workflow in this build.
    pub(super) fn permissions_of(name: &str) -> Result<&'static [Permission]> {
        match name {
            OnboardLead::KIND => Ok(onboard_lead::PERMISSIONS),
            RunCampaign::KIND => Ok(steer::PERMISSIONS),
            ArchiveLogs::KIND => Ok(&[Permission::AuditArchive]),
            RotateKeys::KIND => Ok(change::PERMISSIONS),
            ExportSubject::KIND => Ok(&[Permission::PrivacyAccess]),
            EraseSubject::KIND => Ok(&[Permission::PrivacyErase]),
            DeliverReport::KIND => Ok(&[Permission::SavedReportsWrite]),
            _ => Err(Error::conflict("unknown-workflow", "this build does not know the workflow any more")),
        }
    }

    /// The job that begins the run, once its input has been looked at.
    pub(super) async fn first_job(&self, ctx: &Ctx, tx: &mut TenantTx) -> Result<NewJob> {
        match self {
            Self::OnboardLead(input) => input.first_job(ctx, tx, "/input").await,
        }
    }
}
