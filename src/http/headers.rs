//! Which headers operations know, said in the description for all of them at once.

use utoipa::openapi::{
    HeaderBuilder, Object, RefOr, Required, Response, ResponseBuilder, Type,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem, Paths},
};

use super::conditional::is_tagged;

const TAG: &str = "The version and a hash of this answer, for If-None-Match and If-Match";
const IF_MATCH: &str = "The ETag of what was read: if somebody has changed it since, nothing is done and the answer is \
                        412. Only the version in it is compared, so a new score or count is no change. `*` is any";
const IF_NONE_MATCH: &str =
    "An ETag that was answered before: if nothing differs, the answer is 304 without a body";
const IDEMPOTENCY_KEY: &str = "1 to 255 visible ASCII characters, for example a UUID. A request that comes again with \
                               its key happens once: it is answered with the same status and Location, without a body";

const KEY_OF_CHANGE: &str = "1 to 255 visible ASCII characters, for example a UUID. A request that comes again with its \
                             key happens once: it is answered with the same status and how it is by then, and without a \
                             body where that would show a secret again";

/// What makes something and is not kept with its answer: it shows a secret that is good once, so a second answer without
/// it would be of no use, and asking again takes the first one back or lets it expire.
const WITHOUT_KEY: [&str; 2] = ["/api/v1/me/second-factor", "/api/v1/ws/tickets"];

/// What changes something that is there and keeps its key, though it makes nothing.
const WITH_KEY: [&str; 18] = [
    "/api/v1/call-sources/{id}/rotate",
    "/api/v1/calls/{id}/answer",
    "/api/v1/calls/{id}/disposition",
    "/api/v1/calls/{id}/end",
    "/api/v1/calls/{id}/ring",
    "/api/v1/communication/webhooks/{id}/rotate",
    "/api/v1/gamification-advanced/challenges/{id}/claim",
    "/api/v1/jobs/{id}/cancel",
    "/api/v1/jobs/{id}/discard",
    "/api/v1/jobs/{id}/retry",
    "/api/v1/leads/{id}/merge",
    "/api/v1/sequences/enrolments/{id}/leave",
    "/api/v1/sequences/{id}/archive",
    "/api/v1/sequences/{id}/pause",
    "/api/v1/sequences/{id}/publish",
    "/api/v1/sequences/{id}/resume",
    "/api/v1/workflows/{id}/cancel",
    "/api/v1/workflows/{id}/retry",
];

/// Says it of each operation of a route.
pub(super) fn say_headers(paths: &mut Paths) {
    for (path, item) in &mut paths.paths {
        if is_tagged(path) {
            say_tags(item);
        }
        let path = path.as_str();
        let Some(operation) = &mut item.post else { continue };
        if makes(operation) && !WITHOUT_KEY.contains(&path) {
            add(operation, "Idempotency-Key", IDEMPOTENCY_KEY);
        } else if WITH_KEY.contains(&path) {
            add(operation, "Idempotency-Key", KEY_OF_CHANGE);
        }
    }
}

/// Whether it makes something or begins long work.
fn makes(operation: &Operation) -> bool {
    ["201", "202"].iter().any(|status| operation.responses.responses.contains_key(*status))
}

fn say_tags(item: &mut PathItem) {
    if let Some(reads) = &mut item.get {
        add(reads, "If-None-Match", IF_NONE_MATCH);
        tell_tag(reads);
        let same = ResponseBuilder::new().description("Nothing differs from what the ETag is of");
        reads.responses.responses.insert("304".into(), same.into());
    }
    for changes in [&mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten() {
        add(changes, "If-Match", IF_MATCH);
        tell_tag(changes);
    }
}

/// Says of a successful answer with a body that it has a tag.
fn tell_tag(operation: &mut Operation) {
    if let Some(RefOr::T(Response { headers, .. })) = operation.responses.responses.get_mut("200") {
        let header = HeaderBuilder::new().description(Some(TAG)).build();
        headers.insert("ETag".into(), RefOr::T(header));
    }
}

fn add(operation: &mut Operation, name: &str, description: &str) {
    let parameter: Parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(Object::with_type(Type::String)))
        .build();
    operation.parameters.get_or_insert_default().push(RefOr::T(parameter));
}
