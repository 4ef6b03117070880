//! The description of the API, made from the route table and the handlers' own words.

use std::sync::OnceLock;

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::error::FieldError;
use serde_json::{Value, json};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder,
        path::{Operation, Paths},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{examples, problem::Problem, router, routes::Access};

const TITLE: &str = "Switchboard";
const BEARER: &str = "bearer";
/// What routes ask for that are for operators of the installation; no role and no key of a tenant holds it.
const OPERATOR: &str = "operator";

const ACCEPTED: &str = "A token of /api/v1/auth/login, or an API key. Operators of the installation send a key of \
                        theirs, and look into a tenant by GET with the headers Switchboard-Tenant, its slug, and \
                        Switchboard-Reason, 3 to 200 characters that the tenant reads in its audit log";

/// This document.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operations", responses((status = 200)))]
pub async fn document() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    ([(header::CONTENT_TYPE, "application/json")], TEXT.get_or_init(text).as_str()).into_response()
}

/// The document as it is committed in `openapi.json`.
///
/// # Panics
/// If it cannot be written as JSON, or a file of examples cannot be read.
#[must_use]
pub fn text() -> String {
    let mut value = serde_json::to_value(router::description()).expect("a description is JSON");
    examples::show(&mut value, &examples::stories().expect("examples are steps"));
    name_answers(&mut value);
    value["info"] = json!({ "title": TITLE, "version": env!("CARGO_PKG_VERSION") });
    format!("{value:#}\n")
}

/// Gives answers of which nothing is said the name of their status: each must be described (OpenAPI 3.1, section 4.8.17).
fn name_answers(description: &mut Value) {
    let paths = description.get_mut("paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
            for (status, answer) in answers.into_iter().flatten() {
                let name =
                    StatusCode::from_bytes(status.as_bytes()).ok().and_then(|code| code.canonical_reason());
                if let (Some(name), Some(answer)) = (name, answer.as_object_mut()) {
                    answer.entry("description").or_insert_with(|| name.into());
                }
            }
        }
    }
}

/// Says in each operation of a route what right it needs and how failures look.
pub fn say_access(paths: &mut Paths, access: Access) {
    let items = paths.paths.values_mut();
    let operations = items.flat_map(|item| {
        [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .filter_map(Option::as_mut)
    });
    for operation in operations {
        describe(operation, access);
    }
}

fn describe(operation: &mut Operation, access: Access) {
    let problem = ContentBuilder::new()
        .schema(Some(RefOr::<utoipa::openapi::Schema>::Ref(Ref::from_schema_name("Problem"))))
        .build();
    let problem = ResponseBuilder::new()
        .description("What went wrong and what to change (RFC 9457)")
        .content("application/problem+json", problem)
        .build();
    operation.responses.responses.insert("default".into(), problem.into());
    if !matches!(access, Access::Public | Access::Signed) {
        operation.security = Some(vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]);
    }
    let needed = match access {
        Access::Needs(permission) => Some(permission.as_str()),
        Access::Operator => Some(OPERATOR),
        Access::Public | Access::Signed | Access::SignedIn => None,
    };
    if let Some(needed) = needed {
        operation.extensions.get_or_insert_default().insert("x-permission".into(), needed.into());
    }
}

/// Adds what all operations share.
#[must_use]
pub fn finish(mut api: OpenApi) -> OpenApi {
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert(Problem::name().into(), Problem::schema());
    components.schemas.insert(FieldError::name().into(), FieldError::schema());
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(ACCEPTED)).build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(bearer));
    api
}
