//! What was written of a campaign, in words.

use domain::campaigns::{
    definition::{AudienceMode, Clock, Limits, Timing},
    manage::CampaignView,
};
use serde_json::Value;

use super::figures::money;
use crate::dashboard::ui;

/// What it says of itself: names and values.
pub fn facts(campaign: &CampaignView) -> Vec<(&'static str, String)> {
    let content = &campaign.content;
    let channels: Vec<&str> = content.channels.iter().map(|way| way.channel.as_str()).collect();
    let mut facts = vec![
        ("When", when(campaign.schedule.as_ref())),
        ("By", channels.join(", else ")),
        ("For", word(&content.purpose)),
        ("To", audience(campaign.audience.mode)),
        ("A conversion counts", format!("{} days after a message", campaign.attribution_days)),
    ];
    if let Some(rule) = &content.winner {
        let share = format!(
            "{} % of the leads get the variants first, the others the one with most {}",
            rule.sample_percent,
            word(&rule.measure)
        );
        facts.push(("Winner", share));
    }
    facts.extend(limits(&campaign.limits));
    let approval = match (campaign.needs_approval, campaign.approved_at) {
        (_, Some(at)) => format!("given at {} UTC", at.format("%Y-%m-%d %H:%M")),
        (true, None) => "needed: somebody else than who wrote it".into(),
        (false, None) => "not needed".into(),
    };
    facts.push(("Approval", approval));
    facts
}

fn limits(limits: &Limits) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(rate) = limits.rate_per_minute {
        facts.push(("At most", format!("{} messages a minute", ui::count(&rate.into()))));
    }
    if let Some(hours) = limits.quiet_hours {
        facts.push(("Quiet", format!("{} to {}, where each lead is", hours.from, hours.until)));
    }
    if let Some(cap) = limits.frequency_cap {
        facts.push(("For each lead", format!("{} messages of campaigns in {} hours", cap.most, cap.hours)));
    }
    if let Some(breaker) = limits.breaker {
        let said = format!(
            "of the last {} that were tried {} % and at least {} have failed",
            ui::count(&breaker.window.into()),
            breaker.percent,
            breaker.least
        );
        facts.push(("Pauses itself if", said));
    }
    if let Some(seconds) = limits.max_lateness_s {
        facts.push((
            "Too late",
            format!("{} minutes after their time", ui::count(&(i64::from(seconds) / 60))),
        ));
    }
    if let Some(cents) = limits.budget_cents {
        facts.push(("Budget of a run", money(cents)));
    }
    facts
}

/// When it is sent.
pub fn when(timing: Option<&Timing>) -> String {
    let Some(timing) = timing else { return "started by hand".into() };
    let zone = match timing.clock {
        Clock::Recipient => "by each recipient's clock".to_owned(),
        Clock::Zone => timing.zone.clone().unwrap_or_else(|| "in the tenant's zone".into()),
    };
    match (&timing.at, &timing.crontab) {
        (Some(at), _) => format!("{} {zone}", at.format("%Y-%m-%d %H:%M")),
        (None, Some(crontab)) => format!("{crontab} {zone}"),
        (None, None) => zone,
    }
}

fn audience(mode: AudienceMode) -> String {
    match mode {
        AudienceMode::Live => "whoever fits as a run begins".into(),
        AudienceMode::Snapshot => "whoever fits as it is scheduled".into(),
    }
}

/// A word as the API has it.
pub fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word.replace('_', " "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_when_it_is_sent() {
        let timing = |json: Value| -> Timing { serde_json::from_value(json).expect("a timing") };
        assert_eq!(when(None), "started by hand");
        let once = timing(serde_json::json!({"at": "2026-12-01T09:00:00", "zone": "Europe/Berlin"}));
        assert_eq!(when(Some(&once)), "2026-12-01 09:00 Europe/Berlin");
        let again = timing(serde_json::json!({"crontab": "0 9 * * 1", "clock": "recipient"}));
        assert_eq!(when(Some(&again)), "0 9 * * 1 by each recipient's clock");
    }
}
