//! Google's errors: a status word, and details of which FCM's own code is the one to read.
//! <https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode>

use serde_json::{Value, json};

use crate::http::Answer;

/// One of Google's errors.
#[must_use]
pub fn error(code: u16, status: &str, message: &str, details: &[Value]) -> Answer {
    let mut error = json!({"code": code, "message": message, "status": status});
    if !details.is_empty() {
        error["details"] = details.into();
    }
    Answer::json(code, &json!({ "error": error }))
}

/// The app was removed from the device.
#[must_use]
pub fn unregistered() -> Answer {
    error(404, "NOT_FOUND", "Requested entity was not found.", &[fcm("UNREGISTERED")])
}

/// The token was never one.
#[must_use]
pub fn invalid_token() -> Answer {
    let message = "The registration token is not a valid FCM registration token";
    let details = [fcm("INVALID_ARGUMENT"), violation("message.token", "Invalid registration token")];
    error(400, "INVALID_ARGUMENT", message, &details)
}

/// The token is another project's.
#[must_use]
pub fn sender_id_mismatch() -> Answer {
    error(403, "PERMISSION_DENIED", "SenderId mismatch", &[fcm("SENDER_ID_MISMATCH")])
}

/// 500, or 503 for what Google calls unavailable: neither says what became of the message.
#[must_use]
pub fn internal(code: u16) -> Answer {
    let status = if code == 503 { "UNAVAILABLE" } else { "INTERNAL" };
    error(code, status, "Internal error encountered.", &[fcm(status)])
}

/// A field that is wrong; the token is left in peace.
pub(super) fn invalid(field: &str, description: &str) -> Answer {
    let details = [violation(field, description), fcm("INVALID_ARGUMENT")];
    error(400, "INVALID_ARGUMENT", description, &details)
}

pub(super) fn unauthenticated() -> Answer {
    let message = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or \
                   other valid authentication credential.";
    let reason = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "ACCESS_TOKEN_TYPE_UNSUPPORTED",
        "domain": "googleapis.com",
    });
    error(401, "UNAUTHENTICATED", message, &[reason])
}

pub(super) fn quota_exceeded(retry_after_s: u32) -> Answer {
    let message = "Quota exceeded for quota metric 'Send requests'";
    error(429, "RESOURCE_EXHAUSTED", message, &[fcm("QUOTA_EXCEEDED")]).retry_after(retry_after_s)
}

fn fcm(code: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code})
}

fn violation(field: &str, description: &str) -> Value {
    json!({
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": description}],
    })
}
