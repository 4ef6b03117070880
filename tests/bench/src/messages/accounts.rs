//! What accounts at the fakes are given, as whoever sets one up writes it.

use fakes::{fcm, receiver, slack, smtp, twilio, whatsapp};
use serde_json::{Value, json};

/// The secret that a receiver of webhooks is to believe.
pub const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
/// The number that all write from.
pub const FROM: &str = "+14155550100";

pub fn twilio(fake: &twilio::Fake) -> Value {
    json!({
        "account_sid": fake.account_sid(), "auth_token": fake.auth_token(), "from": FROM, "base_url": fake.url(),
    })
}

pub fn whatsapp(fake: &whatsapp::Fake) -> Value {
    let config = fake.config();
    json!({
        "phone_number_id": config.phone_number_id, "access_token": config.access_token,
        "app_secret": config.app_secret, "verify_token": config.verify_token, "base_url": fake.url(),
    })
}

pub fn slack(fake: &slack::Fake) -> Value {
    json!({"token": fake.config().token, "base_url": fake.url()})
}

pub fn fcm(fake: &fcm::Fake) -> Value {
    let key_file = fake.service_account();
    json!({
        "project_id": key_file["project_id"], "client_email": key_file["client_email"],
        "private_key": key_file["private_key"], "token_url": key_file["token_uri"], "base_url": fake.url(),
    })
}

/// Of a receiver that believes [`SECRET`].
pub fn webhook(fake: &receiver::Fake) -> Value {
    json!({"url": format!("{}/messages", fake.url()), "secret": SECRET})
}

pub fn smtp(server: &smtp::Server) -> Value {
    json!({
        "host": server.addr.ip().to_string(), "port": server.addr.port(), "tls": "none",
        "from": "Office <hello@office.example.com>",
    })
}
