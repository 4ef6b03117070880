//! E-mail to a mail server that answers at once, on kept connections without TLS.

use fakes::smtp::{Nature, Server};
use serde_json::json;

use super::{
    accounts,
    office::{self, Drained, Line},
};
use crate::Outcome;

pub async fn drained() -> Outcome<Drained> {
    let server = Server::start(Nature::default()).await?;
    let line = Line {
        kind: "smtp",
        credentials: accounts::smtp(&server),
        template: json!({
            "name": "order", "channel": "email", "subject": "Your order {{order}}",
            "text": "Dear {{name}},\nyour order {{order}} comes on {{day}}.\n",
            "html": "<p>Dear {{name}},</p><p>your order <b>{{order}}</b> comes on {{day}}.</p>",
        }),
        to: |number| format!("person-{number}@example.com"),
    };
    office::drained(&line, server.accepted()).await
}
