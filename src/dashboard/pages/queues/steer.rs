//! Holding a queue, letting it go on, bounding it: the commands of the API, as forms.

use axum::response::Response;
use domain::jobs;
use engine::operate::Bounds;

use super::address;
use crate::{
    dashboard::forms::{Fields, done},
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Begins nothing more of a queue, or of one kind in it.
pub async fn pause(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let kind = fields.text("kind");
    jobs::pause(&ctx, &name, kind, fields.text("why").unwrap_or_default()).await?;
    Ok(done(&back(&name, &fields), &format!("{} is paused; what runs may end.", called(&name, kind))))
}

/// Takes that pause back.
pub async fn resume(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let kind = fields.text("kind");
    jobs::resume(&ctx, &name, kind).await?;
    Ok(done(&back(&name, &fields), &format!("{} goes on.", called(&name, kind))))
}

/// Bounds the tenant in a queue, or the jobs of a key; nothing said takes the bound away.
pub async fn limit(
    Caller(ctx): Caller,
    Path(name): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let bounds = Bounds {
        max_running: fields.read_as("max_running", "a whole number, at least 1")?,
        rate_per_s: fields.read_as("rate_per_s", "a number, for example 2.5")?,
        burst: fields.read_as("burst", "a whole number, at least 1")?,
    };
    jobs::limit(&ctx, &name, fields.text("key"), bounds).await?;
    let bounded = bounds.max_running.is_some() || bounds.rate_per_s.is_some();
    let said = if bounded { "The limit is set." } else { "The limit is taken away." };
    Ok(done(&back(&name, &fields), said))
}

fn back(name: &str, fields: &Fields) -> String {
    fields.text("next").map_or_else(|| address(name), ToOwned::to_owned)
}

fn called(name: &str, kind: Option<&str>) -> String {
    kind.map_or_else(|| format!("The queue {name}"), |kind| format!("{kind} in the queue {name}"))
}
