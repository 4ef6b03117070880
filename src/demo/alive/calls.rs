//! Calls under way: each goes on a step with each beat, until it ends.

use std::collections::VecDeque;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Dice, desk::Desk};
use crate::demo::{Failure, client::Client};

/// At a time; each has an agent of its own.
const MOST: usize = 6;

/// A call and how far it is.
struct Call {
    path: String,
    lead: String,
    agent: Value,
    step: Step,
}

#[derive(Clone, Copy)]
enum Step {
    Ring,
    Answer,
    End,
}

/// The calls under way, the one that goes on next in front.
#[derive(Default)]
pub struct Calls(VecDeque<Call>);

impl Calls {
    /// Somebody is called by an agent who calls nobody else.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn begin(&mut self, client: &Client, desk: &Desk, dice: &Dice<'_>) -> Result<(), Failure> {
        let (Some(agent), Some(lead)) = (dice.one(&desk.agents), dice.one(&desk.leads)) else {
            return Ok(());
        };
        let agent = &agent["id"];
        if self.0.len() >= MOST || self.0.iter().any(|call| call.agent == *agent) {
            return Ok(());
        }
        let call = json!({"direction": "outbound", "lead_id": lead["id"], "agent_id": agent});
        let made = client.post("/api/v1/calls", &call).await?;
        let id = made["id"].as_str().unwrap_or_default();
        let lead = lead["id"].as_str().unwrap_or_default().to_owned();
        let path = format!("/api/v1/calls/{id}");
        self.0.push_back(Call { path, lead, agent: agent.clone(), step: Step::Ring });
        Ok(())
    }

    /// The first one goes on. One that cannot is forgotten.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn step(&mut self, client: &Client, dice: &Dice<'_>) -> Result<(), Failure> {
        let Some(mut call) = self.0.pop_front() else { return Ok(()) };
        let say = async |step: &str, body: Value| client.post(&format!("{}/{step}", call.path), &body).await;
        call.step = match call.step {
            Step::Ring => {
                say("ring", json!({})).await?;
                // One in five does not answer.
                if dice.below(5) == 0 { Step::End } else { Step::Answer }
            }
            Step::Answer => {
                say("answer", json!({})).await?;
                Step::End
            }
            Step::End => {
                let ended = say("end", json!({})).await?;
                if ended["status"] == "ended" {
                    say("disposition", came_to(dice)).await?;
                }
                return given_up(client, &call.lead, dice).await;
            }
        };
        self.0.push_back(call);
        Ok(())
    }
}

/// What a call came to.
fn came_to(dice: &Dice<'_>) -> Value {
    let satisfaction = 1 + dice.below(5);
    match dice.below(10) {
        0..=2 => {
            let value = 10_000 + 500 * dice.below(400);
            json!({"outcome": "converted", "satisfaction": satisfaction, "value_cents": value})
        }
        3..=5 => json!({"outcome": "interested", "satisfaction": satisfaction}),
        6 | 7 => json!({"outcome": "not_interested", "satisfaction": satisfaction}),
        8 => json!({"outcome": "callback"}),
        _ => json!({"outcome": "voicemail"}),
    }
}

/// Some leads are lost, so that their agents have room for others.
async fn given_up(client: &Client, lead: &str, dice: &Dice<'_>) -> Result<(), Failure> {
    if dice.below(4) == 0 {
        let change = client.request(Method::PATCH, &format!("/api/v1/leads/{lead}"));
        client.send(change.json(&json!({"status": "lost"}))).await?;
    }
    Ok(())
}
