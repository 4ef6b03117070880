//! Users and API keys.

use axum::{Json as Body, extract::State, http::StatusCode, response::Response};
use domain::{
    access::{
        keys::{self, ApiKeyView, NewApiKey},
        rows::RowScope,
        users::{self, NewUser, UserChange, UserView},
    },
    types::{ApiKeyId, TenantId, UserId},
};
use serde::Serialize;
use uuid::Uuid;

use crate::http::{
    Shared,
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// The caller.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Me {
    pub tenant_id: TenantId,
    /// `user` or `api_key`.
    pub kind: &'static str,
    pub id: Option<Uuid>,
    pub permissions: Vec<String>,
    /// Whose leads the caller sees, with what belongs to them.
    pub scope: RowScope,
}

/// Who the caller is and what they may do.
#[utoipa::path(get, path = "/api/v1/me", tag = "access", responses((status = 200, body = Me)))]
pub async fn me(Caller(ctx): Caller) -> Body<Me> {
    Body(Me {
        tenant_id: ctx.tenant,
        kind: ctx.actor.kind(),
        id: ctx.actor.id(),
        permissions: ctx.grants.names(),
        scope: ctx.rows.scope(),
    })
}

/// Add a user. It takes `users:read` as well: whoever asks is told if the address is taken.
#[utoipa::path(post, path = "/api/v1/users", tag = "access", request_body = NewUser,
    responses((status = 201, body = Made)))]
pub async fn create_user(
    State(app): Shared,
    Caller(ctx): Caller,
    Json(new): Json<NewUser>,
) -> Result<Response, Problem> {
    let made = users::create_user(&ctx, &app.gate, new).await?;
    Ok(reply::once(made, |id| Made { id: id.0 }))
}

/// The id of what was made; Location says where it is read.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Made {
    pub id: Uuid,
}

/// The users, newest first.
#[utoipa::path(get, path = "/api/v1/users", tag = "access", params(Paging),
    responses((status = 200, body = Page<UserView>)))]
pub async fn list_users(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<UserView>>, Problem> {
    let window = paging.window()?;
    let rows = users::users(&ctx, window.before.map(UserId), window.rows).await?;
    Ok(Body(window.page(rows, |user| user.id.0)))
}

/// One user; everyone may read themselves.
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 200, body = UserView)))]
pub async fn get_user(Caller(ctx): Caller, Path(id): Path<UserId>) -> Result<Response, Problem> {
    let view = users::user(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Give a user another role, keep them out or let them in again. Their tokens and sockets end at once.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "access", params(("id" = Uuid, Path)),
    request_body = UserChange, responses((status = 200, body = UserView)))]
pub async fn change_user(
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    Json(change): Json<UserChange>,
) -> Result<Response, Problem> {
    let view = users::change_user(&ctx, id, change).await?;
    tagged(view.version, &view)
}

/// A key as its maker gets it, once.
#[derive(Serialize, utoipa::ToSchema)]
pub struct NewKey {
    #[serde(flatten)]
    pub api_key: ApiKeyView,
    /// The text to send as bearer. It is shown this once and kept nowhere.
    pub key: String,
}

/// Make an API key.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "access", request_body = NewApiKey,
    responses((status = 201, body = NewKey)))]
pub async fn create_api_key(
    State(app): Shared,
    Caller(ctx): Caller,
    Json(new): Json<NewApiKey>,
) -> Result<Response, Problem> {
    let made = keys::create_api_key(&ctx, &app.gate, new).await?;
    Ok(reply::once(made, |(api_key, key)| NewKey { api_key, key }))
}

/// The API keys, newest first.
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "access", params(Paging),
    responses((status = 200, body = Page<ApiKeyView>)))]
pub async fn list_api_keys(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<ApiKeyView>>, Problem> {
    let window = paging.window()?;
    let rows = keys::api_keys(&ctx, window.before.map(ApiKeyId), window.rows).await?;
    Ok(Body(window.page(rows, |key| key.id.0)))
}

/// One API key, without its text.
#[utoipa::path(get, path = "/api/v1/api-keys/{id}", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 200, body = ApiKeyView)))]
pub async fn get_api_key(Caller(ctx): Caller, Path(id): Path<ApiKeyId>) -> Result<Body<ApiKeyView>, Problem> {
    Ok(Body(keys::api_key(&ctx, id).await?))
}

/// Revoke an API key; the next request with it is refused.
#[utoipa::path(delete, path = "/api/v1/api-keys/{id}", tag = "access", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn revoke_api_key(Caller(ctx): Caller, Path(id): Path<ApiKeyId>) -> Result<StatusCode, Problem> {
    keys::revoke_api_key(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
