//! Logging in, staying in, and out again; choosing a password.

use axum::{
    Json as Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use chrono::{DateTime, Utc};
use domain::{
    access::{
        gate::Session,
        links::{self, PasswordLink},
        sessions::{self, SessionView},
    },
    types::{SessionId, TenantId, UserId},
};
use serde::{Deserialize, Serialize};

use crate::http::{
    Shared,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    peer::ClientAddress,
    problem::{Problem, request_id},
    reply,
};

/// Who wants to come in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The tenant's slug.
    pub tenant: String,
    pub email: String,
    pub password: String,
    /// Of the authenticator or a recovery code, for whoever has set a second factor.
    pub code: Option<String>,
}

/// A token, how long it is good, and what gives the next one.
#[derive(Serialize, utoipa::ToSchema)]
pub struct LoggedIn {
    /// Goes into `Authorization: Bearer …`.
    pub token: String,
    pub expires_at: DateTime<Utc>,
    /// Good once, for POST /api/v1/auth/refresh. Used a second time it ends the session.
    pub refresh_token: String,
    pub refresh_expires_at: DateTime<Utc>,
    pub session_id: SessionId,
    pub user_id: UserId,
    pub tenant_id: TenantId,
    /// Your tenant demands a second factor, and you have none: until you have set one up, these tokens are good for that,
    /// for what is about yourself, and for logging out.
    pub second_factor_required: bool,
}

impl From<Session> for LoggedIn {
    fn from(session: Session) -> Self {
        Self {
            token: session.token,
            expires_at: session.expires_at,
            refresh_token: session.refresh_token,
            refresh_expires_at: session.refresh_expires_at,
            session_id: session.id,
            user_id: session.user,
            tenant_id: session.tenant,
            second_factor_required: session.enrols,
        }
    }
}

/// Log in with tenant, e-mail address and password.
#[utoipa::path(post, path = "/api/v1/auth/login", tag = "access", request_body = Credentials,
    responses((status = 200, body = LoggedIn)))]
pub async fn login(
    State(app): Shared,
    ClientAddress(address): ClientAddress,
    headers: HeaderMap,
    Json(credentials): Json<Credentials>,
) -> Result<Body<LoggedIn>, Problem> {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or("");
    let Credentials { tenant, email, password, code } = &credentials;
    let who = (tenant.as_str(), email.as_str(), password.as_str());
    Ok(Body(app.gate.login(who, code.as_deref(), address, agent, request_id()).await?.into()))
}

/// What a login or the last refresh gave.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    pub refresh_token: String,
}

/// Get new tokens for a refresh token, which is used up by that.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "access", request_body = Refresh,
    responses((status = 200, body = LoggedIn)))]
pub async fn refresh(
    State(app): Shared,
    Json(Refresh { refresh_token }): Json<Refresh>,
) -> Result<Body<LoggedIn>, Problem> {
    Ok(Body(app.gate.refresh(&refresh_token, request_id()).await?.into()))
}

/// End this session: its tokens are refused from now on.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "access", responses((status = 204)))]
pub async fn log_out(Caller(ctx): Caller) -> Result<StatusCode, Problem> {
    sessions::log_out(&ctx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A password for the holder of a link.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChosenPassword {
    pub token: String,
    /// 12 characters or more.
    pub password: String,
}

/// Choose a password by a link, which is used up by that. All sessions of the user end.
#[utoipa::path(post, path = "/api/v1/auth/password", tag = "access", request_body = ChosenPassword,
    responses((status = 204)))]
pub async fn set_password(
    State(app): Shared,
    Json(ChosenPassword { token, password }): Json<ChosenPassword>,
) -> Result<StatusCode, Problem> {
    app.gate.set_password(&token, &password, request_id()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The caller's password and the one to come.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current: String,
    /// 12 characters or more.
    pub new: String,
}

/// Change your own password. Your other sessions end.
#[utoipa::path(put, path = "/api/v1/me/password", tag = "access", request_body = PasswordChange,
    responses((status = 204)))]
pub async fn change_password(
    State(app): Shared,
    Caller(ctx): Caller,
    ClientAddress(address): ClientAddress,
    Json(PasswordChange { current, new }): Json<PasswordChange>,
) -> Result<StatusCode, Problem> {
    links::change_password(&ctx, &app.gate, (&current, &new), address).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Make a link by which a user chooses a password: for somebody new, or who has forgotten theirs. Hand it over
/// yourself; it is good once, for 72 hours, and the ones before it are void.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-links", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 201, body = PasswordLink)))]
pub async fn create_password_link(
    Caller(ctx): Caller,
    Path(user): Path<UserId>,
) -> Result<Response, Problem> {
    Ok(reply::once(links::issue(&ctx, user).await?, |link| link))
}

/// The sessions of a user, newest first; everyone may see their own.
#[utoipa::path(get, path = "/api/v1/users/{id}/sessions", tag = "access", params(("id" = Uuid, Path), Paging),
    responses((status = 200, body = Page<SessionView>)))]
pub async fn list_sessions(
    Caller(ctx): Caller,
    Path(user): Path<UserId>,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<SessionView>>, Problem> {
    let window = paging.window()?;
    let rows = sessions::sessions(&ctx, user, window.before.map(SessionId), window.rows).await?;
    Ok(Body(window.page(rows, |session| session.id.0)))
}

/// End all sessions of a user; everyone may end their own.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn end_sessions(Caller(ctx): Caller, Path(user): Path<UserId>) -> Result<StatusCode, Problem> {
    sessions::end_sessions(&ctx, user, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End one session of a user; everyone may end their own.
#[utoipa::path(delete, path = "/api/v1/users/{id}/sessions/{session}", tag = "access",
    params(("id" = Uuid, Path), ("session" = Uuid, Path)), responses((status = 204)))]
pub async fn end_session(
    Caller(ctx): Caller,
    Path((user, session)): Path<(UserId, SessionId)>,
) -> Result<StatusCode, Problem> {
    sessions::end_sessions(&ctx, user, Some(session)).await?;
    Ok(StatusCode::NO_CONTENT)
}
