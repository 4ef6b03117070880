//! What is said on sockets, as AsyncAPI 3.0: made from the types of events and from what each holds.
//! <https://www.asyncapi.com/docs/reference/specification/v3.0.0>

use domain::{
    access::permission::Permission,
    events::{
        about::about,
        data::{self, Field, Form},
        kinds, needed,
    },
};
use serde_json::{Map, Value, json};

use super::{
    frames::PROTOCOL,
    interest::{MOST_RESOURCES, MOST_TYPES},
};

const VERSION: &str = "3.0.0";
/// How a client comes in, and how it goes on.
const ABOUT: &str = "What happens in one tenant, in order, once. Get a ticket by POST /api/v1/ws/tickets and open \
    /api/v1/ws with the subprotocols `switchboard.v1` and `ticket.<ticket>`. Each event has the `sequence` of its tenant, without \
    gaps; who comes back names the last one as `since` and is told what came after it. What a client may not see or did not \
    ask for leaves gaps, so a frame `position` says how far it is. A frame `resync` says that what came before is not kept \
    any more. The server closes with 1001 when it stops, 1008 when what the client may do has changed or nothing is heard \
    of it, and 1013 when it reads too slowly; in all cases come back with a new ticket and `since`.";

/// The document as it is committed in `asyncapi.json`.
#[must_use]
pub fn text() -> String {
    format!("{:#}\n", document())
}

/// The document.
#[must_use]
pub fn document() -> Value {
    let (mut messages, mut schemas) = (frames(), Map::new());
    schemas.insert("event".into(), envelope());
    for kind in kinds() {
        schemas.insert(kind.into(), data_of(&data::fields(kind).unwrap_or_default()));
        messages.insert(kind.into(), event(kind));
    }
    let of_channel: Map<String, Value> =
        messages.keys().map(|name| (name.clone(), refers(&format!("components/messages/{name}")))).collect();
    let some = |names: &mut dyn Iterator<Item = &str>| -> Vec<Value> {
        names.map(|name| refers(&format!("channels/socket/messages/{name}"))).collect()
    };
    json!({
        "asyncapi": VERSION,
        "info": { "title": "Switchboard events", "version": env!("CARGO_PKG_VERSION"), "description": ABOUT },
        "defaultContentType": "application/json",
        "servers": { "installation": {
            "host": "{host}", "protocol": "wss",
            "variables": { "host": {
                "default": "localhost:8080",
                "description": "Where the notifiers of the installation answer",
            } },
            "security": [refers("components/securitySchemes/ticket")],
        } },
        "channels": { "socket": {
            "address": "/api/v1/ws",
            "messages": of_channel,
            "bindings": { "ws": opening() },
        } },
        "operations": {
            "tell": {
                "action": "send", "channel": refers("channels/socket"),
                "summary": "Events, and frames about them",
                "messages": some(&mut kinds().chain(["position", "resync", "pong", "error"])),
            },
            "hear": {
                "action": "receive", "channel": refers("channels/socket"),
                "summary": "What a client may say",
                "messages": some(&mut ["subscribe", "ack", "ping"].into_iter()),
            },
        },
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": { "ticket": {
                "type": "httpApiKey", "in": "header", "name": "Sec-WebSocket-Protocol",
                "description": format!("`{PROTOCOL}, ticket.<ticket>`: a ticket is good once, for 30 seconds"),
            } },
        },
    })
}

fn refers(to: &str) -> Value {
    json!({ "$ref": format!("#/{to}") })
}

/// The query of the upgrade.
fn opening() -> Value {
    json!({
        "method": "GET",
        "query": { "type": "object", "additionalProperties": false, "properties": {
            "since": { "type": "integer", "minimum": 0,
                "description": "The last sequence that the client has seen" },
            "types": { "type": "string", "description": "Types with commas between them, as in subscribe" },
            "resources": { "type": "string", "description": "Subjects with commas between them" },
        } },
        "bindingVersion": "0.1.0",
    })
}

/// The frames that are no events.
fn frames() -> Map<String, Value> {
    let names = |most: usize, about: &str| {
        json!({ "type": "array", "maxItems": most, "items": { "type": "string", "maxLength": 100 },
            "description": about })
    };
    let sequence = json!({ "type": "integer", "minimum": 0 });
    let frames = [
        (
            "position",
            "How far the client has seen, counting what it is not told",
            json!({ "sequence": sequence }),
        ),
        (
            "resync",
            "What came before is not kept any more: read the state anew and go on from here",
            json!({ "sequence": sequence }),
        ),
        ("pong", "The answer to ping", json!({})),
        (
            "error",
            "A frame that could not be read, or something in it that comes to nothing; the socket stays open",
            json!({ "detail": { "type": "string" } }),
        ),
        (
            "subscribe",
            "Replaces what is told; what is empty or left out means all. Answered by position",
            json!({
                "types": names(MOST_TYPES, "For example message.sent, or message.* for all about messages"),
                "resources": names(MOST_RESOURCES, "Subjects of events, for example lead:<id>"),
            }),
        ),
        (
            "ack",
            "The client has dealt with everything up to and with this sequence",
            json!({ "sequence": sequence }),
        ),
        ("ping", "Answered by pong; the ping of the protocol does as well", json!({})),
    ];
    frames.into_iter().map(|(op, about, fields)| (op.to_owned(), frame(op, about, fields))).collect()
}

fn frame(op: &str, about: &str, mut properties: Value) -> Value {
    let mut required = vec![json!("op")];
    if op != "subscribe" {
        required.extend(properties.as_object().into_iter().flat_map(Map::keys).map(|name| json!(name)));
    }
    properties["op"] = json!({ "const": op });
    json!({
        "name": op, "summary": about,
        "payload": {
            "type": "object", "properties": properties, "required": required,
            "additionalProperties": false,
        },
    })
}

/// What all events have: CloudEvents 1.0 in its JSON form, with extensions of ours.
fn envelope() -> Value {
    json!({
        "type": "object",
        "description": "CloudEvents 1.0 with the extensions tenantid and sequence",
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "description": "The sequence as text" },
            "source": { "type": "string", "format": "uri-reference", "examples": ["/tenants/<id>"] },
            "type": { "type": "string" },
            "subject": { "type": "string", "examples": ["message:<id>"] },
            "time": { "type": "string", "format": "date-time" },
            "datacontenttype": { "const": "application/json" },
            "tenantid": { "type": "string", "format": "uuid" },
            "sequence": { "type": "integer", "minimum": 1,
                "description": "The place in the tenant's events, without gaps" },
            "data": { "type": "object" },
        },
        "required": [
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "tenantid",
            "sequence", "data",
        ],
    })
}

fn event(kind: &str) -> Value {
    let kind_there = format!("switchboard.{kind}.v1");
    let permission = needed(kind).map(Permission::as_str);
    json!({
        "name": kind_there,
        "title": kind,
        "summary": about(kind),
        "x-permission": permission,
        "payload": { "allOf": [refers("components/schemas/event"), {
            "type": "object",
            "properties": {
                "type": { "const": kind_there },
                "data": refers(&format!("components/schemas/{kind}")),
            },
        }] },
    })
}

fn data_of(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_owned(), value(field))).collect();
    let required: Vec<&str> = fields.iter().filter(|field| field.always).map(|field| field.name).collect();
    json!({
        "type": "object", "properties": properties, "required": required, "additionalProperties": false,
    })
}

fn value(field: &Field) -> Value {
    let mut schema = match field.form {
        Form::Id => json!({ "type": "string", "format": "uuid" }),
        Form::Word => json!({ "type": "string" }),
        Form::Words => json!({ "type": "array", "items": { "type": "string" } }),
        Form::Number => json!({ "type": "integer" }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Time => json!({ "type": "string", "format": "date-time" }),
        Form::Counts => json!({ "type": "object", "additionalProperties": { "type": "integer" } }),
    };
    if field.nullable {
        schema["type"] = json!([schema["type"], "null"]);
    }
    schema
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Everything that the document refers to.
    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(map) => {
                if let Some(to) = map.get("$ref") {
                    found.insert(to.as_str().expect("a text").to_owned());
                }
                map.values().for_each(|value| references(value, found));
            }
            Value::Array(all) => all.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn the_document_holds_what_it_refers_to_and_every_type() {
        let document = document();
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        for reference in &found {
            let there = reference.strip_prefix('#').and_then(|path| document.pointer(path));
            assert!(there.is_some(), "{reference} is not there");
        }
        let named = |reference: &Value| reference["$ref"].as_str().map(str::to_owned);
        let told = |kind: &str| Some(format!("#/channels/socket/messages/{kind}"));
        let operation = |name: &str| -> Vec<Option<String>> {
            document["operations"][name]["messages"].as_array().expect("a list").iter().map(named).collect()
        };
        for kind in kinds() {
            assert!(operation("tell").contains(&told(kind)), "{kind} is not told of");
            let message = &document["components"]["messages"][kind];
            assert_eq!(message["name"], format!("switchboard.{kind}.v1"));
            assert!(message["x-permission"].is_string() && message["summary"].is_string(), "{kind}");
            assert!(found.contains(&format!("#/components/schemas/{kind}")), "{kind} has no schema");
        }
        for op in ["subscribe", "ack", "ping"] {
            assert!(operation("hear").contains(&told(op)), "{op} is not heard");
        }
        // AsyncAPI: keys of components are made of these letters.
        for part in ["messages", "schemas", "securitySchemes"] {
            for key in document["components"][part].as_object().expect("an object").keys() {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c);
                assert!(key.chars().all(is_plain), "{key}");
            }
        }
    }

    #[test]
    fn a_schema_says_what_must_be_there_and_what_may_be_null() {
        let document = document();
        let merged = &document["components"]["schemas"]["lead.merged"];
        assert_eq!(merged["required"], json!(["loser_id"]));
        assert_eq!(merged["properties"]["owner_id"]["type"], json!(["string", "null"]));
        let hole = &document["components"]["messages"]["resync"]["payload"]["required"];
        assert_eq!(hole, &json!(["op", "sequence"]));
    }
}
