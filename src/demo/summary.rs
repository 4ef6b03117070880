//! Whether every number adds up, read back over the API after all is done.

use std::{collections::HashSet, fmt, time::Duration};

use serde_json::Value;

use super::{Failure, client::Client, stages::Times};

/// What was counted.
pub struct Summary {
    wanted: usize,
    leads: usize,
    scored: usize,
    routed: usize,
    /// The most and the fewest leads that an agent has.
    spread: (u64, u64),
    sent: usize,
    /// Mails in the sandbox's outbox, and how many different messages they are.
    delivered: (usize, usize),
    times: Times,
}

impl Summary {
    /// Counts.
    pub async fn take(
        client: &Client,
        wanted: u32,
        times: &[(&'static str, Duration)],
    ) -> Result<Self, Failure> {
        let leads = client.all("/api/v1/leads").await?;
        let messages = client.all("/api/v1/communication/messages").await?;
        let outbox = client.all("/api/v1/communication/sandbox/outbox").await?;
        let agents = client.all("/api/v1/agents").await?;
        let open = |agent: &Value| agent["open_leads"].as_u64().unwrap_or_default();
        let different: HashSet<&str> = outbox.iter().filter_map(|mail| mail["message_id"].as_str()).collect();
        Ok(Self {
            wanted: wanted as usize,
            leads: leads.len(),
            scored: leads.iter().filter(|lead| lead["score"]["total"].is_i64()).count(),
            routed: leads.iter().filter(|lead| lead["owner_id"].is_string()).count(),
            spread: (
                agents.iter().map(open).max().unwrap_or_default(),
                agents.iter().map(open).min().unwrap_or_default(),
            ),
            sent: messages.iter().filter(|message| message["status"] == "sent").count(),
            delivered: (outbox.len(), different.len()),
            times: times.to_vec(),
        })
    }

    /// What does not add up.
    #[must_use]
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (what, count) in [
            ("leads", self.leads),
            ("scored", self.scored),
            ("routed", self.routed),
            ("sent", self.sent),
            ("delivered", self.delivered.0),
            ("delivered once", self.delivered.1),
        ] {
            if count != self.wanted {
                wrong.push(format!("{count} {what} instead of {}", self.wanted));
            }
        }
        if self.spread.0 - self.spread.1 > 1 {
            wrong.push(format!("agents have from {} to {} leads", self.spread.1, self.spread.0));
        }
        wrong
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<10} {:>8} {:>9} {:>9}", "stage", "leads", "seconds", "a second")?;
        let rows =
            [("import", self.leads), ("score", self.scored), ("route", self.routed), ("send", self.sent)];
        for (name, count) in rows {
            let took =
                self.times.iter().find(|(stage, _)| *stage == name).map(|(_, took)| took.as_secs_f64());
            #[expect(clippy::cast_precision_loss, reason = "a rate for people to look at")]
            match took {
                Some(took) => writeln!(f, "{name:<10} {count:>8} {took:>9.1} {:>9.0}", count as f64 / took)?,
                None => writeln!(f, "{name:<10} {count:>8}")?,
            }
        }
        let ((most, fewest), (mails, different)) = (self.spread, self.delivered);
        writeln!(f, "each agent has {fewest} to {most} leads")?;
        write!(f, "the sandbox delivered {mails} mails for {different} messages")
    }
}
