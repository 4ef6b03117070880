//! What Twilio tells by itself: what became of a message, and what people wrote.
//! <https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>

use std::sync::atomic::Ordering;

use super::Twilio;
use crate::{callbacks::CallbackRequest, http::encoded, ledger::Entry, signatures};

impl Twilio {
    /// Tells the message's `StatusCallback` of a status: accepted, scheduled, queued, sending, sent,
    /// delivered, undelivered, failed, canceled or read. Look-ups keep saying what [`Self::set_status`] has
    /// set.
    ///
    /// # Panics
    /// If the message asked for no callback.
    #[must_use]
    pub fn status_callback(&self, entry: &Entry, status: &str, error_code: Option<u32>) -> CallbackRequest {
        let url = entry.body["StatusCallback"].as_str().expect("the message asked for callbacks");
        let sid = entry.provider_message_id.as_str();
        let mut params = self.params(&[
            ("MessageSid", sid),
            ("SmsSid", sid),
            ("MessageStatus", status),
            ("SmsStatus", status),
            ("To", entry.to.as_str()),
        ]);
        for name in ["From", "MessagingServiceSid"] {
            if let Some(value) = entry.body[name].as_str() {
                params.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some(code) = error_code {
            params.push(("ErrorCode".into(), code.to_string()));
        }
        // Not documented with the rest, but it comes, and is signed.
        if matches!(status, "delivered" | "undelivered") {
            params.push(("RawDlrDoneDate".into(), entry.at.format("%y%m%d%H%M").to_string()));
        }
        self.signed(url, &params)
    }

    /// A text that a person wrote to one of the account's numbers, as the number's own address is told of it.
    #[must_use]
    pub fn inbound(&self, url: &str, from: &str, to: &str, body: &str) -> CallbackRequest {
        let number = self.inbound.fetch_add(1, Ordering::Relaxed);
        // Far from the ids of what was sent.
        let sid = format!("SMff{number:030x}");
        let (sid, segments) = (sid.as_str(), super::segments(body).to_string());
        let params = self.params(&[
            ("MessageSid", sid),
            ("SmsSid", sid),
            ("SmsMessageSid", sid),
            ("SmsStatus", "received"),
            ("From", from),
            ("To", to),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", segments.as_str()),
            ("FromCountry", "US"),
            ("FromCity", ""),
        ]);
        self.signed(url, &params)
    }

    fn params(&self, own: &[(&str, &str)]) -> Vec<(String, String)> {
        let all = [("ApiVersion", "2010-04-01"), ("AccountSid", self.config.account_sid.as_str())];
        let all = own.iter().copied().chain(all);
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn signed(&self, url: &str, params: &[(String, String)]) -> CallbackRequest {
        let signature = signatures::twilio(&self.config.auth_token, url, params);
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"),
            ("User-Agent", "TwilioProxy/1.1"),
            ("X-Twilio-Signature", signature.as_str()),
        ];
        CallbackRequest {
            method: "POST",
            url: url.to_owned(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: encoded(params).into_bytes(),
        }
    }
}
