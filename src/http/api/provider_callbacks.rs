//! What the providers of a tenant's accounts tell us: there is no bearer, the address and the signature say who it is.

use std::net::IpAddr;

use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use domain::{
    Ctx,
    access::provider_callbacks::NamedAccount,
    messages::{
        callback::{Callback, CallbackMethod, CallbackRequest, Reply},
        callbacks,
    },
};

use crate::http::{
    App, Shared,
    extract::{Path, whole_body},
    peer::ClientAddress,
    problem::{Problem, request_id},
};

/// Tell what became of messages, or what somebody wrote, as the provider of an account: signed and formed as that
/// provider has it, in any order, as often as it takes.
#[utoipa::path(post, path = "/callbacks/{kind}/{token}", tag = "communication",
    params(("kind" = String, Path, description = "The account's kind"), ("token" = String, Path)),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, description = "It is taken in; the body is as the provider wants it"),
        (status = 204, description = "It is taken in, or was before")))]
pub async fn provider_callback(
    State(app): Shared,
    ClientAddress(address): ClientAddress,
    Path((kind, token)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let named = named(&app, address, &kind, &token).await?;
    let read = async {
        let body = whole_body(body).await?;
        let came = Came { method: CallbackMethod::Post, uri: &uri, headers: &headers, body };
        came.admit(&app, &named)
    };
    let (ctx, mut callback) = believed(&app, address, &named, read.await)?;
    let reply = std::mem::take(&mut callback.reply);
    callbacks::take(&ctx, &named.account, &kind, callback).await?;
    Ok(reply_of(reply))
}

/// Ask whether the address is ours, as some providers do before they tell anything. Nothing is taken in.
#[utoipa::path(get, path = "/callbacks/{kind}/{token}", tag = "communication",
    params(("kind" = String, Path, description = "The account's kind"), ("token" = String, Path)),
    responses((status = 200, description = "It is; the body is what the provider wants to hear"),
        (status = 204, description = "It is")))]
pub async fn provider_challenge(
    State(app): Shared,
    ClientAddress(address): ClientAddress,
    Path((kind, token)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let named = named(&app, address, &kind, &token).await?;
    let came = Came { method: CallbackMethod::Get, uri: &uri, headers: &headers, body: Bytes::new() };
    let (_, callback) = believed(&app, address, &named, came.admit(&app, &named))?;
    Ok(reply_of(callback.reply))
}

/// The account of an address. Nothing of a body is read for one that nobody has.
async fn named(app: &App, address: IpAddr, kind: &str, token: &str) -> Result<NamedAccount, Problem> {
    let named = match app.gate.called_account(kind, token).await {
        Ok(named) => named,
        Err(error) => return Err(counted(error.into(), || app.limits.stranger(address))),
    };
    app.limits.open_to(address, named.account.id.0)?;
    Ok(named)
}

/// A request as it came.
struct Came<'r> {
    method: CallbackMethod,
    uri: &'r Uri,
    headers: &'r HeaderMap,
    body: Bytes,
}

impl Came<'_> {
    /// Has the adapter look at it.
    fn admit(&self, app: &App, named: &NamedAccount) -> Result<(Ctx, Callback), Problem> {
        let url = self.url(app);
        let header = |name: &str| self.headers.get(name).and_then(|value| value.to_str().ok());
        let request = CallbackRequest {
            method: self.method,
            url: &url,
            query: self.uri.query().unwrap_or_default(),
            header: &header,
            body: &self.body,
            now: app.platform.clock.now(),
        };
        app.gate.admit_provider(named, &request, request_id()).map_err(Problem::from)
    }

    /// The address by which the provider called us, which some sign: as the installation says, or else as the request
    /// does.
    fn url(&self, app: &App) -> String {
        let path = self.uri.path_and_query().map_or("", |path| path.as_str());
        if let Some(base) = app.platform.public_url.as_deref() {
            return format!("{base}{path}");
        }
        let host = self.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let scheme = if app.only_https { "https" } else { "http" };
        format!("{scheme}://{host}{path}")
    }
}

/// Counts who could not show that they are the provider. What is signed does not count, whatever form it has.
fn believed<T>(
    app: &App,
    address: IpAddr,
    named: &NamedAccount,
    admitted: Result<T, Problem>,
) -> Result<T, Problem> {
    admitted.map_err(|problem| {
        if problem.status == StatusCode::UNPROCESSABLE_ENTITY.as_u16() {
            return problem;
        }
        counted(problem, || app.limits.impostor(address, named.account.id.0))
    })
}

/// What fails inside is not their fault.
fn counted(problem: Problem, count: impl FnOnce() -> domain::Result<()>) -> Problem {
    if (400..500).contains(&problem.status)
        && let Err(too_many) = count()
    {
        return too_many.into();
    }
    problem
}

fn reply_of(reply: Reply) -> Response {
    match reply {
        Reply::NoContent => StatusCode::NO_CONTENT.into_response(),
        Reply::Body { content_type, body } => {
            (StatusCode::OK, [(header::CONTENT_TYPE, content_type)], body).into_response()
        }
    }
}
