//! `./x bench campaign`: how fast a million recipients are planned, and what it costs to look at progress meanwhile; how fast
//! the messages of a campaign leave, from its start to the last one in the provider's ledger; and how long a small tenant waits
//! beside one who writes to a million.
//!
//! - [`planned`], [`sent`], [`beside`] what is measured; [`people`] who is written to

mod beside;
pub mod people;
mod planned;
mod sent;

use fakes::twilio;
use serde_json::{Value, json};
use switchboard::demo::client::Client;

use crate::{
    Outcome,
    messages::accounts,
    table::{
        self, Args,
        Bar::{self, Least, Most, MostOr},
        Figures, Row, measure,
    },
};

/// Measures and prints.
pub async fn report(args: Args) -> Outcome<()> {
    table::report(args, rows()).await
}

/// What there is to measure.
fn rows() -> Vec<Row> {
    let speeds_figures = vec![
        ("messages_per_s", Least(3_000.0)),
        ("plan_recipients_per_s", Least(20_000.0)),
        ("plan_million_s", Most(60.0)),
        ("plan_extra_mb", Most(100.0)),
        ("progress_ms_p95", Most(5.0)),
        ("rss_mb_peak", Bar::None),
    ];
    let beside_figures = vec![
        ("small_alone_s", Bar::None),
        ("small_beside_large_s", Bar::None),
        ("small_beside_large_ratio", MostOr(3.0, "small_beside_large_s", 2.0)),
        ("small_amid_large_s", Bar::None),
        ("small_amid_large_ratio", MostOr(3.0, "small_amid_large_s", 2.0)),
        ("beside_rss_mb_peak", Bar::None),
    ];
    vec![(measure!(speeds), speeds_figures), (measure!(beside::small_beside_large), beside_figures)]
}

/// How fast it is planned and how fast it is sent, and the most memory that the worker took for either.
async fn speeds() -> Outcome<Figures> {
    let (planned, sent) = (planned::a_million().await?, sent::drained().await?);
    Ok(vec![
        ("messages_per_s", sent.per_s),
        ("plan_recipients_per_s", planned.per_s),
        ("plan_million_s", planned.took_s),
        ("plan_extra_mb", planned.extra_mb),
        ("progress_ms_p95", planned.progress_ms),
        ("rss_mb_peak", planned.rss_mb.max(sent.rss_mb)),
    ])
}

/// Has text messages sent by a fake of Twilio, and something to say by them. `bounds` are the account's.
pub async fn by_twilio(client: &Client, fake: &twilio::Fake, bounds: &Value) -> Outcome<()> {
    let mut account = json!({"name": "line", "kind": "twilio", "credentials": accounts::twilio(fake)});
    if let (Some(account), Some(bounds)) = (account.as_object_mut(), bounds.as_object()) {
        account.extend(bounds.clone());
    }
    client.post("/api/v1/communication/providers", &account).await?;
    let template = json!({"name": "news", "channel": "sms", "text": "Dear {{name}}, there are news."});
    client.post("/api/v1/communication/templates", &template).await?;
    Ok(())
}

/// Writes a campaign that says one thing on one channel; answers its path.
pub async fn draft(client: &Client, channel: &str, audience: &Value, limits: &Value) -> Outcome<String> {
    let campaign = json!({
        "name": "News", "audience": audience, "limits": limits,
        "content": {
            "purpose": "transactional", "channels": [{"channel": channel}],
            "variants": [{"name": "a", "messages": [{"channel": channel, "template": "news"}]}],
        },
    });
    let made = client.post("/api/v1/campaigns", &campaign).await?;
    Ok(format!("/api/v1/campaigns/{}", made["id"].as_str().ok_or("a campaign without an id")?))
}

/// Starts it.
pub async fn start(client: &Client, path: &str) -> Outcome<()> {
    client.post(&format!("{path}/start"), &json!({})).await?;
    Ok(())
}
