//! `./x bench campaigns`: how fast a million recipients are planned, what it costs to look at progress meanwhile, and how fast
//! the messages of a campaign leave, from its start to the last one in the provider's ledger.

mod planned;
mod sent;

use serde_json::{Value, json};

use crate::{
    Outcome,
    messages::office::Office,
    table::{
        self, Args,
        Bar::{Least, Most},
        Row, measure,
    },
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    let planned = vec![
        ("planned_per_s", Least(20_000.0)),
        ("planned_extra_mb", Most(100.0)),
        ("progress_p95_ms", Most(5.0)),
    ];
    vec![
        (measure!(planned::a_million), planned),
        (measure!(sent::per_second), vec![("campaign_messages_per_s", Least(3_000.0))]),
    ]
}

/// Writes a campaign that says one thing on one channel; answers its path.
async fn campaign(office: &Office, channel: &str, audience: &Value) -> Outcome<String> {
    let campaign = json!({
        "name": "News", "audience": audience,
        "content": {
            "purpose": "transactional", "channels": [{"channel": channel}],
            "variants": [{"name": "a", "messages": [{"channel": channel, "template": "news"}]}],
        },
    });
    let made = office.client.post("/api/v1/campaigns", &campaign).await?;
    Ok(format!("/api/v1/campaigns/{}", made["id"].as_str().ok_or("a campaign without an id")?))
}
