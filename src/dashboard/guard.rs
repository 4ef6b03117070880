//! Proves who asks, before the page is made: site, login, form, permission. Whatever fails becomes a page.

use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use domain::{
    Ctx, Error,
    access::dashboard::{Visit, Visitor},
    ctx::OperatorCtx,
    tenancy::Idempotency,
};
use engine::schedules::is_zone;
use sha2::{Digest, Sha256};

use super::{
    cookies, forms, link, origin,
    page::Theme,
    refused,
    viewer::{Seen, Viewer},
};
use crate::http::{
    App,
    extract::whole_body,
    operators, peer,
    problem::{FACTOR_DEMANDED, Problem, request_id},
    routes::Access,
};

/// How long a statement of a page may take.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Styles, scripts and sockets of our own, and nothing that stands in a page itself.
pub(super) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a second factor is set up, and the places that stay open to whoever has to.
const ENROL: &str = "/ops/account/second-factor";
const OWN: [&str; 2] = ["/ops/account", "/ops/logout"];

/// What the guard of a path knows.
#[derive(Clone)]
pub struct Guarded {
    pub app: Arc<App>,
    pub access: Access,
}

/// A request that was let through, or what it is told instead, and who asked as far as that is known.
struct Judged {
    viewer: Viewer,
    request: Result<Request, Problem>,
}

/// Lets the request through with its viewer, or answers with a page that says why not.
pub async fn guard(State(guarded): State<Guarded>, request: Request, next: Next) -> Response {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    // What is written down of users is the route, without what stands in it. Of an operator the ids are: they say what
    // was looked at.
    let asked = format!("{method} {}", route.unwrap_or_default());
    let looked = operators::asked(&request);
    let address = peer::address(request.extensions(), &headers, guarded.app.proxy_hops).ok();
    let here = request.uri().path_and_query().map_or("/ops", |here| here.as_str()).to_owned();
    let Judged { viewer, request } = judge(&guarded, request, here, &looked).await;
    let mut response = match request {
        Ok(request) => next.run(request).await,
        Err(problem) if problem.is(FACTOR_DEMANDED) => lead(&headers, StatusCode::FORBIDDEN, ENROL),
        Err(problem) => problem.into_response(),
    };
    let status = response.status();
    if status == StatusCode::FORBIDDEN {
        write_down(&guarded, &viewer, &asked, &looked).await;
    }
    let known = viewer.seen().visit.is_some();
    if !known
        && status.is_client_error()
        && let Some(address) = address
        && let Err(too_many) = guarded.app.limits.stranger(address)
    {
        response = Problem::from(too_many).into_response();
    }
    // A login that is over leads to the next one, and from there back.
    if response.status() == StatusCode::UNAUTHORIZED && guarded.access != Access::Public {
        response = to_login(&method, &headers, viewer.seen());
    }
    let mut response = refused::as_page(&viewer, &headers, response).await;
    let shown = !response.status().is_redirection();
    dress(response.headers_mut(), &viewer, shown);
    if cookies::over_https(&headers) {
        cookies::secure(response.headers_mut());
    }
    response
}

async fn judge(guarded: &Guarded, request: Request, here: String, looked: &str) -> Judged {
    let headers = request.headers();
    let token = cookies::login(headers).unwrap_or_default().to_owned();
    let theme = Theme::of(cookies::value(headers, cookies::THEME));
    let notice = cookies::value(headers, cookies::NOTICE)
        .filter(|_| request.method() == Method::GET && !headers.contains_key("hx-request"));
    let notice = notice.map(link::decode).filter(|text| !text.is_empty());
    let zone = cookies::value(headers, cookies::ZONE).map(link::decode).filter(|zone| is_zone(zone));
    let zone = zone.unwrap_or_default();
    let mut seen = Seen { visit: None, ctx: None, token, theme, zone, here, notice };
    let public_url = guarded.app.platform.public_url.as_deref();
    let checked = match origin::check(request.method(), headers, public_url) {
        Ok(()) => admit(guarded, &mut seen, request, looked).await,
        Err(foreign) => Err(foreign),
    };
    let viewer = Viewer::new(seen);
    let request = checked.map(|mut request| {
        request.extensions_mut().insert(viewer.clone());
        request
    });
    Judged { viewer, request }
}

async fn admit(
    guarded: &Guarded,
    seen: &mut Seen,
    request: Request,
    looked: &str,
) -> Result<Request, Problem> {
    if !seen.token.is_empty() {
        match guarded.app.gate.visit(&seen.token, request_id()).await {
            Ok(visit) => seen.visit = Some(visit),
            Err(Error::Unauthenticated(_)) if guarded.access == Access::Public => {}
            Err(error) => return Err(error.into()),
        }
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(visit) = seen.visit.clone() else {
        if guarded.access == Access::Public {
            return Ok(request);
        }
        return Err(Error::Unauthenticated("log in to see this").into());
    };
    let (once, mut request) = if changes && guarded.access != Access::Public {
        sent(&visit, request).await?
    } else {
        (None, request)
    };
    let patience = (!changes).then_some(PATIENCE);
    match &visit.visitor {
        Visitor::User(ctx) => {
            guarded.app.limits.caller(ctx)?;
            seen.ctx = Some(Ctx { idempotency: once, patience, ..Ctx::clone(ctx) });
        }
        Visitor::Operator(operator, look) => {
            guarded.app.limits.operator(operator)?;
            let of_tenant = matches!(guarded.access, Access::Needs(_));
            if of_tenant && changes {
                let detail = "an operator only looks into a tenant; whoever belongs to it makes the change";
                return Err(Problem::new(StatusCode::FORBIDDEN, "operators-only-look", detail));
            }
            // A look is written down in the tenant before anything is shown.
            if let Some(look) = look
                && of_tenant
            {
                let ctx = guarded.app.gate.look(operator, &look.slug, &look.why, looked).await?;
                seen.ctx = Some(Ctx { patience, ..ctx });
            }
            request
                .extensions_mut()
                .insert(OperatorCtx { idempotency: once, ..OperatorCtx::clone(operator) });
        }
    }
    if let Some(ctx) = seen.ctx.as_ref().filter(|_| !is_own(guarded.access, request.uri().path())) {
        ctx.require_enrolled()?;
    }
    let operates = matches!(visit.visitor, Visitor::Operator(..));
    match (guarded.access, &seen.ctx) {
        (Access::Needs(_), None) => {
            let detail = "choose a tenant to look into first, at the beginning of the dashboard";
            return Err(Problem::new(StatusCode::CONFLICT, "no-tenant-chosen", detail));
        }
        (Access::Needs(permission), Some(ctx)) => ctx.require(permission)?,
        (Access::Operator, _) if !operates => {
            let detail = "this is for operators of the installation, by a key of theirs";
            return Err(Problem::new(StatusCode::FORBIDDEN, "permission-missing", detail));
        }
        _ => {}
    }
    if let Some(ctx) = &seen.ctx {
        request.extensions_mut().insert(ctx.clone());
    }
    Ok(request)
}

/// Whether a page is about whoever looks at it alone.
fn is_own(access: Access, path: &str) -> bool {
    let mut rests = OWN.into_iter().filter_map(|own| path.strip_prefix(own));
    access == Access::Public || rests.any(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Reads a form: that it is one of ours, and whether it came before.
async fn sent(visit: &Visit, request: Request) -> Result<(Option<Idempotency>, Request), Problem> {
    let (mut parts, body) = request.into_parts();
    let body = whole_body(body).await?;
    let fields = forms::Fields::read(&parts.headers, &body)?;
    let shown = parts.headers.get("x-csrf-token").and_then(|token| token.to_str().ok());
    let shown = fields.get("csrf").or(shown).unwrap_or_default();
    // Both are hashes under a key of ours, so the time of comparing tells nothing about them.
    if shown != visit.csrf {
        let detail = "this form is from another login; go back, load the page anew and do it again";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign-form", detail));
    }
    let once = fields.get("once").filter(|once| !once.is_empty() && once.len() <= 100).map(|once| {
        let mut hash = Sha256::new();
        hash.update(parts.uri.path());
        hash.update([0]);
        hash.update(&body);
        Idempotency { key: format!("dashboard {once}"), fingerprint: hash.finalize().into() }
    });
    parts.extensions.insert(fields);
    Ok((once, Request::from_parts(parts, Body::from(body))))
}

async fn write_down(guarded: &Guarded, viewer: &Viewer, asked: &str, looked: &str) {
    let written = match &viewer.seen().visit {
        Some(Visit { visitor: Visitor::User(ctx), .. }) => guarded.app.denials.record(ctx, asked).await,
        Some(Visit { visitor: Visitor::Operator(operator, _), .. }) => {
            guarded.app.gate.refused(operator, looked).await
        }
        None => Ok(()),
    };
    if let Err(error) = written {
        tracing::warn!(%error, "a refusal could not be written down");
    }
}

fn to_login(method: &Method, headers: &HeaderMap, seen: &Seen) -> Response {
    let next = if *method == Method::GET { seen.here.as_str() } else { "/ops" };
    lead(headers, StatusCode::UNAUTHORIZED, &link::to("/ops/login", &[("next", next)]))
}

/// Leads the whole page elsewhere, also from a part of one that is refused.
fn lead(headers: &HeaderMap, refused: StatusCode, to: &str) -> Response {
    if headers.contains_key("hx-request") {
        let header = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/ops/login"));
        return (refused, [("hx-redirect", header)]).into_response();
    }
    Redirect::to(to).into_response()
}

/// What goes with every page. The notice of the form before is said once, by the page that is shown.
fn dress(headers: &mut HeaderMap, viewer: &Viewer, shown: bool) {
    for (name, value) in [
        ("content-security-policy", POLICY),
        // With `no-referrer`, as elsewhere, browsers would not say where a form comes from.
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("vary", "Cookie, HX-Request"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if shown && viewer.seen().notice.is_some() {
        headers.append(header::SET_COOKIE, cookies::plain(cookies::NOTICE, "", 0));
    }
}
