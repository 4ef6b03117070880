//! The judge: what the API says of each recipient, against what the provider has in its ledger.

use std::collections::HashMap;

use fakes::ledger::Ledger;
use serde_json::Value;
use switchboard::demo::client::Client;

use crate::{Outcome, faults::report::Finding};

/// What is told of the campaign.
pub struct Told {
    /// Of the campaign, and of its run.
    status: String,
    run_status: String,
    progress: Value,
}

impl Told {
    pub async fn ask(client: &Client, path: &str) -> Outcome<Self> {
        let campaign = client.get(path).await?;
        let progress = client.get(&format!("{path}/progress")).await?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Ok(Self { status: text(&campaign["status"]), run_status: text(&progress["run_status"]), progress })
    }

    pub fn is_over(&self) -> bool {
        self.status == "finished" && self.run_status == "finished"
    }

    pub fn unknown(&self) -> u64 {
        self.progress["statuses"]["unknown"].as_u64().unwrap_or_default()
    }
}

/// What became of the recipients.
#[derive(Default)]
struct Tally {
    sent: usize,
    unknown: usize,
    /// Of unknown fate, and in the ledger.
    arrived: usize,
    /// Nobody's recipient, or neither in the ledger nor of unknown fate.
    lost: usize,
}

/// `told` is what was told of the campaign when it was over.
pub async fn judge(
    client: &Client,
    (path, many): (&str, usize),
    ledger: &Ledger,
    told: &Told,
) -> Outcome<Finding> {
    let leads = pairs(client, "/api/v1/leads", ("id", "phone")).await?;
    // The ledger is looked at last: what is sent by the list is in it by then.
    let recipients = pairs(client, &format!("{path}/recipients"), ("lead_id", "status")).await?;
    let mut taken: HashMap<String, usize> = HashMap::new();
    for entry in ledger.entries() {
        *taken.entry(entry.to.clone()).or_default() += 1;
    }
    let statuses: HashMap<&str, &str> =
        recipients.iter().map(|(lead, status)| (lead.as_str(), status.as_str())).collect();
    let mut tally = Tally::default();
    for (lead, phone) in &leads {
        let times = taken.get(phone).copied().unwrap_or_default();
        tally.add(statuses.get(lead.as_str()).copied(), times);
    }
    let mut finding = Finding { lost: tally.lost, unknown: tally.unknown, ..Finding::default() };
    finding.doubled = taken.values().map(|times| times - 1).sum();
    eprintln!(
        "{many} recipients: {} sent, {} unknown ({} of them in the ledger; there were {} when it was finished); {} messages \
         to {} numbers in the ledger",
        tally.sent,
        tally.unknown,
        tally.arrived,
        told.unknown(),
        ledger.count(),
        taken.len()
    );
    finding.holds(leads.len() == many, || format!("{} leads, not {many}", leads.len()));
    finding.holds(recipients.len() == many && statuses.len() == many, || {
        format!("{} recipients are listed, {} different ones, of {many}", recipients.len(), statuses.len())
    });
    let strangers = taken.len() - leads.iter().filter(|(_, phone)| taken.contains_key(phone)).count();
    finding.holds(strangers == 0, || format!("{strangers} numbers are nobody's"));
    finding.holds(told.is_over(), || {
        format!("the campaign is {}, its run {}: {}", told.status, told.run_status, told.progress)
    });
    Ok(finding)
}

impl Tally {
    /// A lead of this status as a recipient, whose number is in the ledger so many times.
    fn add(&mut self, status: Option<&str>, times: usize) {
        match status {
            Some("sent" | "delivered" | "read") => {
                self.sent += 1;
                self.lost += usize::from(times == 0);
            }
            Some("unknown") => {
                self.unknown += 1;
                self.arrived += usize::from(times > 0);
            }
            // Skipped, failed, or waiting without an end: nobody has asked for that here.
            _ => self.lost += 1,
        }
    }
}

/// Two fields of every item of a list.
async fn pairs(client: &Client, path: &str, fields: (&str, &str)) -> Outcome<Vec<(String, String)>> {
    let (mut pairs, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = client.get(&format!("{path}?limit=200{cursor}")).await?;
        for item in page["items"].as_array().ok_or("a page without items")? {
            let text = |field: &str| item[field].as_str().unwrap_or_default().to_owned();
            pairs.push((text(fields.0), text(fields.1)));
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(pairs),
        }
    }
}
