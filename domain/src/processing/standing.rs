//! How it stands with the rights of people and with keys, for the compliance report: what is open, what is late, what was
//! done in a range.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::store::standing as store;
use crate::{error::Result, types::TenantId};

/// All of it, as of the report's moment.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PrivacyStanding {
    pub requests: RequestStanding,
    pub erasures: ErasureStanding,
    pub holds: HoldStanding,
    /// People whose data is restricted now.
    pub restricted: i64,
    pub rectifications: RangeCount,
    pub keys: KeyStanding,
    pub archives: ArchiveStanding,
}

/// What people asked for about their data (GDPR Art. 12(3): a month, and two more if it was extended).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RequestStanding {
    /// Not answered yet.
    pub open: i64,
    /// Of them, due within seven days.
    pub due_soon: i64,
    /// Of them, past their time.
    pub overdue: i64,
    /// Received in the range.
    pub received: i64,
    /// Answered or refused in the range.
    pub ended: i64,
    /// Of those, after they were due.
    pub ended_late: i64,
}

/// Erasures (Art. 17).
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ErasureStanding {
    /// Neither done nor withdrawn.
    pub open: i64,
    pub overdue: i64,
    /// Of the open ones, those that a hold keeps.
    pub held: i64,
    /// In the range.
    pub asked: i64,
    pub done: i64,
    pub withdrawn: i64,
}

/// What keeps people from being erased.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct HoldStanding {
    pub standing: i64,
    /// In the range.
    pub placed: i64,
    pub released: i64,
}

/// How often something was done in the range.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RangeCount {
    pub count: i64,
}

/// Keys of the tenant and of people.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct KeyStanding {
    /// Keys of people that are there, and of people who were erased.
    pub people: i64,
    pub destroyed: i64,
    /// Names of the key-encryption keys under which they are wrapped: more than one while keys are wrapped anew.
    pub wrapped_by: Vec<String>,
    /// The most values that one of the tenant's own keys has sealed; it may seal 2^32.
    pub most_sealed: i64,
    /// Replacements of keys that go on, and those that ended in the range.
    pub rotating: i64,
    pub rotated: i64,
    /// When the oldest of the tenant's own keys was made.
    pub oldest_made_at: Option<DateTime<Utc>>,
}

/// Logs that lie in storage: a file for each log and month.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct ArchiveStanding {
    /// Written, whatever became of them since.
    pub files: i64,
    /// Of them, checked against what was in the database.
    pub verified: i64,
    /// Of them, with their rows gone from the database.
    pub dropped: i64,
    /// Months that could not be archived: a person has to look.
    pub refused: i64,
    /// In all files.
    pub rows: i64,
    pub bytes: i64,
}

/// Counts, in the report's transaction.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn standing(
    conn: &mut PgConnection,
    tenant: TenantId,
    range: (DateTime<Utc>, DateTime<Utc>),
) -> Result<PrivacyStanding> {
    Ok(PrivacyStanding {
        requests: store::requests(conn, tenant, range).await?,
        erasures: store::erasures(conn, tenant, range).await?,
        holds: store::holds(conn, tenant, range).await?,
        restricted: store::restricted(conn, tenant).await?,
        rectifications: RangeCount { count: store::rectifications(conn, tenant, range).await? },
        keys: store::keys(conn, tenant, range).await?,
        archives: store::archives(conn, tenant).await?,
    })
}
