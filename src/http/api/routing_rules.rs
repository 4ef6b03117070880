//! Routing rules.

use axum::{Json as Body, http::StatusCode, response::Response};
use domain::{
    routing::rule_book::{self, RuleSpec, RuleView},
    types::RuleId,
};
use serde::Deserialize;

use crate::http::{
    conditional::tagged,
    extract::{Caller, Json, Path, Query},
    page::{Page, Paging, Window},
    problem::Problem,
    reply,
};

/// Make a routing rule; it comes behind all others.
#[utoipa::path(post, path = "/api/v1/automation/routing-rules", tag = "automation", request_body = RuleSpec,
    responses((status = 201, body = RuleView)))]
pub async fn create_routing_rule(
    Caller(ctx): Caller,
    Json(spec): Json<RuleSpec>,
) -> Result<Response, Problem> {
    Ok(reply::once(rule_book::create(&ctx, spec).await?, |rule| rule))
}

/// The routing rules in the order in which they are asked.
#[utoipa::path(get, path = "/api/v1/automation/routing-rules", tag = "automation", params(Paging),
    responses((status = 200, body = Page<RuleView>)))]
pub async fn list_routing_rules(
    Caller(ctx): Caller,
    Query(paging): Query<Paging>,
) -> Result<Body<Page<RuleView>>, Problem> {
    let window = Window::<(i32, uuid::Uuid)>::of(paging.cursor.as_deref(), paging.limit)?;
    let rows = rule_book::list(&ctx, window.before, window.rows).await?;
    Ok(Body(window.page(rows, |rule| (rule.position, rule.id.0))))
}

/// One routing rule.
#[utoipa::path(get, path = "/api/v1/automation/routing-rules/{id}", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 200, body = RuleView)))]
pub async fn get_routing_rule(Caller(ctx): Caller, Path(id): Path<RuleId>) -> Result<Response, Problem> {
    let view = rule_book::get(&ctx, id).await?;
    tagged(view.version, &view)
}

/// Put another in the place of a routing rule, of the version that was read. Its place in the order stays.
#[utoipa::path(put, path = "/api/v1/automation/routing-rules/{id}", tag = "automation",
    params(("id" = Uuid, Path)), request_body = RuleSpec, responses((status = 200, body = RuleView)))]
pub async fn replace_routing_rule(
    Caller(ctx): Caller,
    Path(id): Path<RuleId>,
    Json(spec): Json<RuleSpec>,
) -> Result<Response, Problem> {
    let view = rule_book::replace(&ctx, id, spec).await?;
    tagged(view.version, &view)
}

/// Take a routing rule away. What it has put into queues waits on as it has said.
#[utoipa::path(delete, path = "/api/v1/automation/routing-rules/{id}", tag = "automation",
    params(("id" = Uuid, Path)), responses((status = 204)))]
pub async fn delete_routing_rule(Caller(ctx): Caller, Path(id): Path<RuleId>) -> Result<StatusCode, Problem> {
    rule_book::delete(&ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Another order.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleOrder {
    /// Each rule of the tenant once, the first to be asked first.
    pub rule_ids: Vec<RuleId>,
}

/// Put the routing rules into another order. Answers all of them.
#[utoipa::path(put, path = "/api/v1/automation/routing-rules/order", tag = "automation",
    request_body = RuleOrder, responses((status = 200, body = Vec<RuleView>)))]
pub async fn order_routing_rules(
    Caller(ctx): Caller,
    Json(order): Json<RuleOrder>,
) -> Result<Body<Vec<RuleView>>, Problem> {
    Ok(Body(rule_book::reorder(&ctx, &order.rule_ids).await?))
}
