//! What is done with a lead, by the same commands as in the API.

use axum::response::Response;
use domain::{
    leads::{
        activities::{self, ActivityKind, NewActivity},
        commands,
        contacts::IfTaken,
        lead::{LeadChange, Status},
    },
    privacy::{
        holds::{self, NewHold},
        restriction::{self, NewRestriction},
    },
    routing::route::{self, Outcome},
    scoring::apply,
    types::LeadId,
};
use uuid::Uuid;

use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        ui::short,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

fn back(id: Uuid, notice: &str) -> Response {
    done(&format!("/ops/leads/{id}"), notice)
}

/// Scores it now.
pub async fn score(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    let score = apply::one(&ctx, LeadId(id)).await?;
    Ok(back(id, &format!("It has {} of 100 now.", score.total)))
}

/// Gives it to whom the rules say; one that somebody has only if that is asked for.
pub async fn route(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let routed = route::one(&ctx, LeadId(id), None, fields.text("reroute").is_some()).await?;
    let said = match routed.outcome {
        Outcome::Assigned => "Somebody has it now.",
        Outcome::Queued => "It waits in the queue of its team; nobody is free.",
        Outcome::Unchanged => "Somebody had it already, and has it still.",
        Outcome::NoRule => "No rule is about it, and it is in no team: it stays as it is.",
    };
    Ok(back(id, said))
}

/// Writes down what was done with it.
pub async fn note(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let kind: Option<ActivityKind> = asked::word("/kind", fields.get("kind"))?;
    let note = fields.text("note").map(|text| text.replace("\r\n", "\n"));
    let new = NewActivity { kind: kind.unwrap_or(ActivityKind::Note), at: None, note };
    activities::create(&ctx, LeadId(id), new).await?;
    Ok(back(id, "It is written down."))
}

/// Says how far it has come. Somebody else's change in the meantime is not overwritten.
pub async fn status(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let status: Option<Status> = asked::word("/status", fields.text("status"))?;
    let status = status.ok_or_else(|| Problem::field("/status", "choose one"))?;
    let version = fields.text("version").and_then(|version| version.parse().ok());
    let change = LeadChange { status: Some(status), version, ..LeadChange::default() };
    let lead = commands::change(&ctx, LeadId(id), change, IfTaken::Allow).await?;
    Ok(back(id, &format!("It is {} now.", lead.status)))
}

/// Restricts what is done with what is known of it.
pub async fn restrict(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, Problem> {
    let new = NewRestriction { lead_id: LeadId(id), reason: asked::needed(&fields, "reason")? };
    restriction::set(&ctx, new).await?;
    Ok(back(id, "It is restricted: it is kept and read, and nothing else is done with it."))
}

/// Keeps it from being erased.
pub async fn hold(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let (reason, law) = (asked::needed(&fields, "reason")?, asked::needed(&fields, "law")?);
    holds::place(&ctx, NewHold { lead_id: LeadId(id), reason, law }).await?;
    Ok(back(id, "It is held: nothing of it is erased until the hold is released."))
}

/// Deletes it.
pub async fn delete(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    commands::delete(&ctx, LeadId(id)).await?;
    Ok(done("/ops/leads", "The lead is deleted."))
}
