//! What WhatsApp tells by itself: batches of statuses, and what people wrote.
//! <https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/payload-examples>

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::WhatsApp;
use crate::{callbacks::CallbackRequest, http::encoded, ledger::Entry, lock, signatures};

/// One status of a batch: sent, delivered, read or failed.
#[derive(Debug, Clone, Copy)]
pub struct Told<'e> {
    pub entry: &'e Entry,
    pub status: &'e str,
    /// With `failed`.
    pub error_code: Option<u32>,
}

impl WhatsApp {
    /// A batch of one.
    #[must_use]
    pub fn status_callback(&self, entry: &Entry, status: &str, error_code: Option<u32>) -> CallbackRequest {
        self.statuses(&[Told { entry, status, error_code }])
    }

    /// One request that tells of many messages, in this order.
    #[must_use]
    pub fn statuses(&self, told: &[Told<'_>]) -> CallbackRequest {
        let statuses: Vec<Value> = told.iter().map(|told| self.status(told)).collect();
        self.signed("statuses", &statuses, None)
    }

    /// A text that a person wrote to the number. `from` is without `+`.
    #[must_use]
    pub fn inbound(&self, from: &str, body: &str) -> CallbackRequest {
        let number = usize::try_from(self.inbound.fetch_add(1, Ordering::Relaxed)).unwrap_or(usize::MAX);
        let message = json!({
            // Far from the ids of what was sent.
            "from": from, "id": self.id(number.saturating_add(1 << 30)), "timestamp": self.timestamp(),
            "type": "text", "text": {"body": body},
        });
        let contact = json!({"profile": {"name": "A person"}, "wa_id": from});
        self.signed("messages", &[message], Some(&contact))
    }

    /// The question whether the address is the app's own; the answer must be the challenge.
    #[must_use]
    pub fn handshake(&self, challenge: &str) -> CallbackRequest {
        let query = encoded(&[
            ("hub.mode", "subscribe"),
            ("hub.challenge", challenge),
            ("hub.verify_token", self.config.verify_token.as_str()),
        ]);
        let url = format!("{}?{query}", lock(&self.callback_url));
        CallbackRequest { method: "GET", url, headers: Vec::new(), body: Vec::new() }
    }

    fn status(&self, told: &Told<'_>) -> Value {
        let recipient: String = told.entry.to.chars().filter(char::is_ascii_digit).collect();
        let mut status = json!({
            "id": told.entry.provider_message_id, "status": told.status, "timestamp": self.timestamp(),
            "recipient_id": recipient,
        });
        if let Some(key) = told.entry.body["biz_opaque_callback_data"].as_str() {
            status["biz_opaque_callback_data"] = key.into();
        }
        if let Some(code) = told.error_code {
            let title = "Message failed to send";
            status["errors"] = json!([{
                "code": code, "title": title, "message": title, "error_data": {"details": title},
                "href": "/documentation/business-messaging/whatsapp/support/error-codes",
            }]);
        } else {
            status["pricing"] = json!({"billable": true, "pricing_model": "PMP", "category": "utility"});
        }
        status
    }

    /// Unix seconds, as a text.
    fn timestamp(&self) -> String {
        self.config.world.clock.now().timestamp().to_string()
    }

    fn signed(&self, kind: &str, things: &[Value], contact: Option<&Value>) -> CallbackRequest {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.config.display_phone_number,
                "phone_number_id": self.config.phone_number_id,
            },
        });
        value[kind] = things.into();
        if let Some(contact) = contact {
            value["contacts"] = json!([contact]);
        }
        let body = json!({
            "object": "whatsapp_business_account",
            "entry": [{"id": self.config.business_id, "changes": [{"value": value, "field": "messages"}]}],
        });
        let body = body.to_string().into_bytes();
        let headers = vec![
            ("Content-Type".into(), "application/json".into()),
            ("User-Agent".into(), "facebookexternalua".into()),
            ("X-Hub-Signature-256".into(), signatures::meta(&self.config.app_secret, &body)),
        ];
        CallbackRequest { method: "POST", url: lock(&self.callback_url).clone(), headers, body }
    }
}
