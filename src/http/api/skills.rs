//! Skills: what there is to be good at.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    agents::skills::{self, NewSkill, SkillView},
    types::SkillId,
};

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging},
    problem::Problem,
    reply,
};

/// Make a skill.
#[utoipa::path(post, path = "/api/v1/skills", tag = "agents", request_body = NewSkill,
    responses((status = 201, body = SkillView)))]
pub async fn create_skill(Caller(ctx): Caller, Json(new): Json<NewSkill>) -> Result<Response, Problem> {
    Ok(reply::once(skills::create(&ctx, new).await?, |view| view))
}

/// The skills, newest first.
#[utoipa::path(get, path = "/api/v1/skills", tag = "agents", params(Paging),
    responses((status = 200, body = Page<SkillView>)))]
pub async fn list_skills(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<SkillView>>, Problem> {
    let window = paging.window()?;
    let rows = skills::list(&ctx, window.before.map(SkillId), window.rows).await?;
    Ok(Body(window.page(rows, |skill| skill.id.0)))
}

/// One skill.
#[utoipa::path(get, path = "/api/v1/skills/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = SkillView)))]
pub async fn get_skill(Caller(ctx): Caller, Path(id): Path<SkillId>) -> Result<Response, Problem> {
    let view = skills::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Give a skill another name; whoever has it keeps it.
#[utoipa::path(put, path = "/api/v1/skills/{id}", tag = "agents", params(("id" = Uuid, Path)),
    request_body = NewSkill, responses((status = 200, body = SkillView)))]
pub async fn replace_skill(
    Caller(ctx): Caller,
    Path(id): Path<SkillId>,
    Json(new): Json<NewSkill>,
) -> Result<Response, Problem> {
    let view = skills::replace(&ctx, id, new).await?;
    tagged(view.version, &view)
}

/// Delete a skill; nobody has it any more.
#[utoipa::path(delete, path = "/api/v1/skills/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 204)))]
pub async fn delete_skill(Caller(ctx): Caller, Path(id): Path<SkillId>) -> Result<StatusCode, Problem> {
    skills::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
