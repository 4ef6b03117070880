//! What goes on once the main job is done, so that there is something to look at: people come, are written to and called;
//! some of it fails, as the accounts of the sandbox are set to; a campaign runs, and after it another.
//!
//! - [`desk`] what is worked with; [`calls`] calls under way; [`play`] points for them

mod calls;
mod desk;
mod play;

use std::time::Duration;

use domain::ctx::Platform;
use serde_json::{Value, json};

use self::{calls::Calls, desk::Desk};
use super::{Failure, client::Client, people};

/// Between one thing that happens and the next.
const BEAT: Duration = Duration::from_millis(1_500);
/// As many as a token lasts for: eight of its ten minutes.
const BEATS: u32 = 320;
/// So often it is looked whether a campaign runs, and who there is.
const LOOK_EVERY: u32 = 20;
/// Before it is tried again when nothing could be done at all.
const PAUSE: Duration = Duration::from_secs(10);

/// Chance, from where the product has it.
pub struct Dice<'p>(pub &'p Platform);

impl Dice<'_> {
    /// A number below `sides`, which is not 0.
    pub fn below(&self, sides: usize) -> usize {
        usize::from(u16::from_be_bytes(self.0.random())) % sides
    }

    /// One of them; none of none.
    pub fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

/// Goes on until it is dropped.
pub async fn go_on(base: &str, login: &Value, platform: &Platform) {
    let dice = Dice(platform);
    let mut calls = Calls::default();
    loop {
        if let Err(error) = shift(base, login, &dice, &mut calls).await {
            tracing::warn!(%error, "nothing new happens in the demo for some seconds");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// What happens within one login.
async fn shift(base: &str, login: &Value, dice: &Dice<'_>, calls: &mut Calls) -> Result<(), Failure> {
    let client = Client::login(base.to_owned(), login).await?;
    let mut desk = Desk::open(&client).await?;
    play::set_up(&client, &desk.agents, dice).await?;
    let mut beat = tokio::time::interval(BEAT);
    for number in 0..BEATS {
        beat.tick().await;
        if number % LOOK_EVERY == 0 {
            desk.look(&client).await?;
            campaign(&client, dice).await?;
            play::compete(&client, dice).await?;
        }
        let done = match dice.below(10) {
            0..=2 => come(&client, &desk, dice).await,
            3..=5 => write(&client, &desk, dice).await,
            6 => reply(&client, dice).await,
            _ => calls.begin(&client, &desk, dice).await,
        };
        let steps = calls.step(&client, dice).await;
        // Much is refused with good reason: somebody else has the agent, a lead was closed meanwhile.
        for refused in [done, steps].into_iter().filter_map(Result::err) {
            tracing::debug!(%refused, "something did not come about in the demo");
        }
    }
    client.post("/api/v1/auth/logout", &json!({})).await?;
    Ok(())
}

/// Somebody new comes, and is scored, routed and welcomed.
async fn come(client: &Client, desk: &Desk, dice: &Dice<'_>) -> Result<(), Failure> {
    let lead = client.post("/api/v1/leads", &people::lead(dice.below(20_000))).await?;
    let input = json!({
        "lead_id": lead["id"], "strategy": "round_robin", "team_id": desk.team, "provider_id": desk.account(dice),
        "welcome_template_id": desk.welcome, "follow_up_template_id": desk.offer,
    });
    client.post("/api/v1/workflows", &json!({"workflow": "onboard_lead", "input": input})).await?;
    Ok(())
}

/// Somebody is written to.
async fn write(client: &Client, desk: &Desk, dice: &Dice<'_>) -> Result<(), Failure> {
    let Some(lead) = dice.one(&desk.leads) else { return Ok(()) };
    let body = json!({
        "provider_id": desk.account(dice), "template_id": desk.offer, "lead_id": lead["id"],
        "variables": { "name": lead["name"] },
    });
    client.post("/api/v1/communication/messages", &body).await?;
    Ok(())
}

/// Somebody who was welcomed replies.
async fn reply(client: &Client, dice: &Dice<'_>) -> Result<(), Failure> {
    let runs = client.get("/api/v1/workflows?workflow=onboard_lead&state=running&limit=50").await?;
    let Some(run) = runs["items"].as_array().and_then(|runs| dice.one(runs)) else { return Ok(()) };
    let path = format!("/api/v1/workflows/{}/signals", run["id"].as_str().unwrap_or_default());
    client.post(&path, &json!({"name": "lead_replied"})).await?;
    Ok(())
}

/// There is always a campaign that runs, slowly enough to be looked at.
async fn campaign(client: &Client, dice: &Dice<'_>) -> Result<(), Failure> {
    let running = client.get("/api/v1/campaigns?status=running&limit=1").await?;
    if running["items"].as_array().is_some_and(|running| !running.is_empty()) {
        return Ok(());
    }
    let name = dice.one(&["Spring offers", "Autumn offers", "News of the house", "Customers tell"]);
    let campaign = json!({
        "name": format!("{} {:03}", name.unwrap_or(&"News"), dice.below(1_000)), "audience": {},
        "content": {
            "purpose": "transactional", "channels": [{"channel": "email"}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template": desk::OFFER}]}],
        },
        "limits": {"rate_per_minute": 60},
    });
    let made = client.post("/api/v1/campaigns", &campaign).await?;
    let path = format!("/api/v1/campaigns/{}/start", made["id"].as_str().unwrap_or_default());
    client.post(&path, &json!({})).await?;
    Ok(())
}
