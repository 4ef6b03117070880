//! The Graph API's errors. What they mean is in `code`; the HTTP status may mislead.
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes>

use serde_json::json;

use crate::http::Answer;

/// One of Meta's errors, with the HTTP status that comes with its code.
#[must_use]
pub fn error(code: u32, message: &str) -> Answer {
    let status = match code {
        0 | 190 => 401,
        // A permission is missing, and yet:
        3 | 131_000 | 131_016 => 500,
        2 => 503,
        10 | 200..=299 | 368 | 131_031 => 403,
        130_429 => 429,
        132_001 => 404,
        _ => 400,
    };
    let mut error = json!({
        "message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW",
    });
    if code >= 130_000 {
        error["error_data"] = json!({"messaging_product": "whatsapp", "details": message});
    }
    Answer::json(status, &json!({ "error": error }))
}

/// For a number that is not there, or that the token may not see.
pub(super) fn unknown_object(id: &str) -> Answer {
    let message = format!(
        "Unsupported request. Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, \
         or does not support this operation"
    );
    let error = json!({
        "message": message, "type": "GraphMethodException", "code": 100, "error_subcode": 33,
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUvW",
    });
    Answer::json(400, &json!({ "error": error }))
}
