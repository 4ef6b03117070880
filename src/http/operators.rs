//! Operators of the installation: on routes of their own, and as they look into a tenant.

use axum::{
    extract::Request,
    http::{HeaderMap, Method, StatusCode},
    middleware::Next,
    response::{IntoResponse, Response},
};
use domain::{ctx::OperatorCtx, types::Text};

use super::{
    guard::{Guarded, keyed},
    problem::Problem,
    routes::Access,
};

/// The tenant's slug, and why it is looked into.
const TENANT: &str = "switchboard-tenant";
const REASON: &str = "switchboard-reason";
/// A reason has so many characters at least.
const SHORTEST: usize = 3;
/// So much of a path is written down.
const PATH_CHARS: usize = 200;

/// Answers an operator. What they were refused is written down in the installation's audit log.
pub(super) async fn serve(
    guarded: &Guarded,
    operator: &OperatorCtx,
    request: Request,
    next: Next,
) -> Response {
    let left = match guarded.app.limits.operator(operator) {
        Ok(left) => left,
        Err(error) => return Problem::from(error).into_response(),
    };
    let asked = asked(&request);
    let mut response = match admit(guarded, operator, &asked, request).await {
        Ok(request) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    if response.status() == StatusCode::FORBIDDEN
        && let Err(error) = guarded.app.gate.refused(operator, &asked).await
    {
        tracing::warn!(%error, "a refusal could not be written down");
    }
    left.tell(response.headers_mut());
    response
}

/// Method and path: the ids in it say what was looked at. What a query asks for may be personal, and is left out.
pub fn asked(request: &Request) -> String {
    let path: String = request.uri().path().chars().take(PATH_CHARS).collect();
    format!("{} {path}", request.method())
}

async fn admit(
    guarded: &Guarded,
    operator: &OperatorCtx,
    asked: &str,
    mut request: Request,
) -> Result<Request, Problem> {
    if guarded.access == Access::Operator {
        let (idempotency, mut request) = keyed(guarded.streams, request).await?;
        request.extensions_mut().insert(OperatorCtx { idempotency, ..operator.clone() });
        return Ok(request);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let detail = "an operator only looks into a tenant; whoever belongs to it makes the change";
        return Err(Problem::new(StatusCode::FORBIDDEN, "operators-only-look", detail));
    }
    let (tenant, why) = wanted(request.headers())?;
    let ctx = guarded.app.gate.look(operator, tenant, why.as_str(), asked).await?;
    if let Access::Needs(permission) = guarded.access {
        ctx.require(permission)?;
    }
    request.extensions_mut().insert(ctx);
    Ok(request)
}

/// The tenant that is looked into, and why.
fn wanted(headers: &HeaderMap) -> Result<(&str, Text<200>), Problem> {
    let text = |name: &str| str::from_utf8(headers.get(name)?.as_bytes()).ok();
    let why = text(REASON).and_then(|why| why.parse::<Text<200>>().ok());
    let why = why.filter(|why| why.as_str().chars().count() >= SHORTEST);
    text(TENANT).zip(why).ok_or_else(|| {
        let detail = "say which tenant you look into and why: `Switchboard-Tenant: <its slug>` and \
                      `Switchboard-Reason: <3 to 200 characters>`, which the tenant can read";
        Problem::new(StatusCode::BAD_REQUEST, "operator-headers-missing", detail)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_look_names_its_tenant_and_a_reason() {
        for (tenant, reason, good) in [
            (Some("acme"), Some("ticket 4711"), true),
            (Some("acme"), Some("R\u{fc}ckfrage"), true),
            (None, Some("ticket 4711"), false),
            (Some("acme"), None, false),
            (Some("acme"), Some(" ab "), false),
            (Some("acme"), Some(&*"a".repeat(201)), false),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [(TENANT, tenant), (REASON, reason)] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).expect("a header"));
                }
            }
            assert_eq!(wanted(&headers).is_ok(), good, "{tenant:?} {reason:?}");
        }
    }
}
