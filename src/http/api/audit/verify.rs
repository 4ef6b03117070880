//! Whether the audit log is as it was written.

use axum::{Json as Body, extract::State};
use domain::audit::verify::Verified;
use serde::Deserialize;

use crate::http::{
    Shared,
    extract::{Caller, Query},
    problem::Problem,
};

/// How far back it is gone through.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VerifyQuery {
    /// Also read the files of the archive, from the first entry on. It takes as long again for each million of entries.
    #[serde(default)]
    #[param(required = false)]
    pub archive: bool,
}

/// Go through the chain of your tenant's audit log, from its first entry to its newest signed place; across what lies in the
/// archive by what was signed when it was put there. It takes some seconds for 100,000 entries; one process goes through one
/// chain at a time.
#[utoipa::path(get, path = "/api/v1/compliance/audit-logs/verify", tag = "compliance", params(VerifyQuery),
    responses((status = 200, body = Verified)))]
pub async fn verify_audit_logs(
    State(app): Shared,
    Caller(ctx): Caller,
    Query(query): Query<VerifyQuery>,
) -> Result<Body<Verified>, Problem> {
    Ok(Body(app.verifier.verify(&ctx, query.archive).await?))
}
