//! Running a schedule now, holding it, letting it go on: the commands of the API, as forms.

use axum::response::Response;
use domain::schedules;
use uuid::Uuid;

use crate::{
    dashboard::forms::{Fields, done},
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Begins a run now, whatever the schedule says about overlap and pause.
pub async fn run(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    schedules::run_now(&ctx, id).await?;
    Ok(done(&back(id, &fields), "A run has begun; the history leads to its job."))
}

/// Begins nothing more of it.
pub async fn pause(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let view = schedules::pause(&ctx, id, fields.text("why").unwrap_or_default()).await?;
    Ok(done(&back(id, &fields), &format!("{} is paused.", view.name)))
}

/// Lets it go on from now.
pub async fn resume(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let view = schedules::resume(&ctx, id).await?;
    Ok(done(&back(id, &fields), &format!("{} goes on from now.", view.name)))
}

fn back(id: Uuid, fields: &Fields) -> String {
    fields.text("next").map_or_else(|| format!("/ops/schedules/{id}"), ToOwned::to_owned)
}
