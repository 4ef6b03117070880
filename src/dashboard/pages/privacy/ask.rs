//! Requests are taken down.

use axum::response::Response;
use domain::{
    moment::Moment,
    privacy::{
        erasure::{self, NewErasure},
        requests::ask::{self, NewAccessRequest},
    },
    tenancy::Answer,
    types::{LeadId, UserId},
};
use uuid::Uuid;

use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
    },
    http::{extract::Caller, problem::Problem},
};

fn id(fields: &Fields, name: &str) -> Result<Option<Uuid>, Problem> {
    asked::id(&format!("/{name}"), fields.text(name))
}

/// Somebody wants to see what is held of them.
pub async fn access(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let new = NewAccessRequest {
        lead_id: id(&fields, "lead")?.map(LeadId),
        user_id: id(&fields, "user")?.map(UserId),
        phone: asked::formed("/phone", fields.text("phone"))?,
        email: asked::formed("/email", fields.text("email"))?,
        received_at: received(&fields)?,
    };
    let once = ask::ask(&ctx, new).await?;
    Ok(taken_down("access", &once.answer))
}

/// Somebody wants to be forgotten. How it is known who asks is said on the page of the request.
pub async fn erasure(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let new = NewErasure {
        lead_id: id(&fields, "lead")?.map(LeadId),
        phone: asked::formed("/phone", fields.text("phone"))?,
        email: asked::formed("/email", fields.text("email"))?,
        received_at: received(&fields)?,
        identity: None,
    };
    let once = erasure::ask(&ctx, new).await?;
    Ok(taken_down("erasures", &once.answer))
}

/// When the person asked, if that was before it is taken down.
fn received(fields: &Fields) -> Result<Option<Moment>, Problem> {
    let at = asked::moment("/received_at", fields.text("received_at"))?;
    Ok(at.and_then(|at| Moment::try_from(at).ok()))
}

/// The page of a request, by where the API has it: the same for whoever has sent the form twice.
fn taken_down(folder: &str, answer: &Answer) -> Response {
    done(
        &format!("/ops/privacy/{folder}/{}", answer.id()),
        "It is taken down. Say next how you know who asks.",
    )
}
