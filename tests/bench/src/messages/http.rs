//! Text messages by Twilio's API: a form out, JSON back, on kept connections.

use fakes::twilio;
use serde_json::json;

use super::{
    accounts,
    office::{self, Drained, Line},
};
use crate::Outcome;

pub async fn drained() -> Outcome<Drained> {
    let fake = twilio::Fake::start(twilio::Config::default()).await?;
    let line = Line {
        kind: "twilio",
        credentials: accounts::twilio(&fake),
        template: json!({
            "name": "order", "channel": "sms", "text": "{{name}}, your order {{order}} comes on {{day}}.",
        }),
        to: |number| format!("+1415{}", 2_000_000 + number),
    };
    office::drained(&line, fake.ledger()).await
}
