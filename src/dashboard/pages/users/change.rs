//! What is done with a user.

use axum::response::Response;
use domain::{
    Ctx,
    access::{
        second_factor, sessions,
        users::{self, UserChange},
    },
    ctx::Actor,
    types::{SessionId, UserId},
};

use crate::{
    dashboard::forms::{Fields, done},
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Gives them another role.
pub async fn give_role(
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let role = fields.text("role").ok_or_else(|| Problem::field("/role", "choose a role"))?;
    let change = UserChange { role: Some(role.to_owned()), disabled: None };
    let user = users::change_user(&fields.of_version(&ctx), id, change).await?;
    Ok(done(&page(id), &format!("The role is {} now; their tokens and sockets have ended.", user.role)))
}

/// Keeps them out.
pub async fn lock(Caller(ctx): Caller, Path(id): Path<UserId>, fields: Fields) -> Result<Response, Problem> {
    keep(&fields.of_version(&ctx), id, true).await?;
    Ok(done(&page(id), "They are kept out, and their sessions have ended."))
}

/// Lets them in again.
pub async fn unlock(
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    fields: Fields,
) -> Result<Response, Problem> {
    keep(&fields.of_version(&ctx), id, false).await?;
    Ok(done(&page(id), "They may come in again."))
}

async fn keep(ctx: &Ctx, id: UserId, disabled: bool) -> Result<(), Problem> {
    users::change_user(ctx, id, UserChange { role: None, disabled: Some(disabled) }).await?;
    Ok(())
}

/// Ends one session, or all of them.
pub async fn end_sessions(
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let one = fields.read_as("session", "the id of a session")?.map(SessionId);
    sessions::end_sessions(&ctx, id, one).await?;
    // Whoever ends their own is at the door.
    let over = ctx.actor == Actor::User(id) && (one.is_none() || one == ctx.session);
    let to = if over { "/ops/login".to_owned() } else { page(id) };
    Ok(done(&to, if one.is_some() { "The session has ended." } else { "All their sessions have ended." }))
}

/// Takes the second factor of somebody away who has lost it.
pub async fn remove_factor(
    Caller(ctx): Caller,
    Path(id): Path<UserId>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms("remove")?;
    second_factor::remove(&ctx, id).await?;
    Ok(done(&page(id), "Their second factor is removed."))
}

fn page(id: UserId) -> String {
    format!("/ops/users/{id}")
}
