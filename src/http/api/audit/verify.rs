//! Whether the audit log is as it was written.

use axum::{Json as Body, extract::State};
use domain::audit::verify::Verified;

use crate::http::{Shared, extract::Caller, problem::Problem};

/// Go through the chain of your tenant's audit log, from its first entry to its newest signed place. It takes some
/// seconds for 100,000 entries; one process goes through one chain at a time.
#[utoipa::path(get, path = "/api/v1/compliance/audit-logs/verify", tag = "compliance",
    responses((status = 200, body = Verified)))]
pub async fn verify_audit_logs(State(app): Shared, Caller(ctx): Caller) -> Result<Body<Verified>, Problem> {
    Ok(Body(app.verifier.verify(&ctx).await?))
}
