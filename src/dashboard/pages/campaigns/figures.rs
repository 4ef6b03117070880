//! What came of a run: a funnel, its money, its variants and why recipients were not reached.

use domain::campaigns::{
    progress::{CampaignFigures, CampaignProgress},
    sampled::{Answered, Unreached},
};
use serde_json::Value;

use super::{bar::percent, facts::word};
use crate::dashboard::{link, ui};

/// A step of the funnel.
#[derive(Debug, PartialEq, Eq)]
pub struct FunnelStep {
    pub word: &'static str,
    pub count: i64,
    /// Of all recipients, in whole percent.
    pub percent: i64,
    /// Of the step before, in words.
    pub of: String,
    /// The list behind it; empty where there is none.
    pub href: String,
    /// From what it is estimated.
    pub estimate: Option<String>,
}

/// From who was planned for to who converted. Each is a share of what it can only be a part of.
pub fn funnel(progress: &CampaignProgress, answered: &Answered, list: &str) -> Vec<FunnelStep> {
    let figures = &progress.figures;
    let step = |word, count, (whole, of): (i64, &str), group: Option<(&str, &str)>| FunnelStep {
        word,
        count,
        percent: if progress.recipients == 0 { 0 } else { percent(count, progress.recipients) },
        of: if whole > 0 { format!("{} % of {of}", percent(count, whole)) } else { String::new() },
        href: group.map(|(name, value)| link::with(list, name, value)).unwrap_or_default(),
        estimate: None,
    };
    let (accepted, delivered) = (figures.accepted, figures.delivered);
    let mut steps = vec![
        FunnelStep { href: list.to_owned(), ..step("planned", progress.recipients, (0, ""), None) },
        step("sent", accepted, (progress.recipients, "planned"), Some(("group", "sent"))),
        step("delivered", delivered, (accepted, "sent"), Some(("group", "delivered"))),
    ];
    if figures.read > 0 {
        steps.push(step("read", figures.read, (delivered, "delivered"), Some(("status", "read"))));
    }
    steps.push(FunnelStep {
        estimate: (!answered.exact).then(|| {
            format!(
                "an estimate, and not too high: nothing counts answers, so the newest {} messages that came in were looked at",
                ui::count(&answered.looked_at)
            )
        }),
        ..step("answered", answered.leads, (accepted, "sent"), None)
    });
    steps.push(step("converted", figures.conversions, (accepted, "sent"), None));
    steps
}

/// A reason, and how many recipients it is of.
#[derive(Debug, PartialEq, Eq)]
pub struct Amiss {
    pub status: String,
    pub reason: String,
    pub count: i64,
    pub percent: i64,
    pub href: String,
}

/// Why recipients were not reached, each with the list behind it.
pub fn amiss(unreached: &Unreached, list: &str) -> Vec<Amiss> {
    let one = |one: &domain::campaigns::sampled::UnreachedReason| Amiss {
        status: one.status.clone(),
        reason: one.reason.clone(),
        count: one.recipients,
        percent: percent(one.recipients, unreached.looked_at),
        href: link::with(&link::with(list, "status", &one.status), "reason", &one.reason),
    };
    unreached.reasons.iter().map(one).collect()
}

/// Money of the run.
#[derive(Debug, PartialEq, Eq)]
pub struct Money {
    pub cost: String,
    /// The budget, and how much of it is spent in whole percent.
    pub budget: Option<(String, i64)>,
    pub value: String,
    pub per_conversion: Option<String>,
    pub roi: Option<String>,
}

/// What the run has cost and brought in; `budget` in cents, none if it may spend what it likes.
pub fn costs(figures: &CampaignFigures, budget: Option<i64>) -> Money {
    Money {
        cost: money(figures.cost_cents),
        budget: budget.map(|cents| (money(cents), percent(figures.cost_cents, cents))),
        value: money(figures.value_cents),
        per_conversion: figures.cost_per_conversion_cents.map(money),
        roi: figures.roi.map(|roi| format!("{:+.0} %", roi * 100.0)),
    }
}

/// An amount of the tenant's currency.
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    format!("{sign}{}.{rest:02}", ui::count(&i64::try_from(whole).unwrap_or(i64::MAX)))
}

/// A variant of a run.
#[derive(Debug, PartialEq, Eq)]
pub struct VariantRow {
    pub name: String,
    pub won: bool,
    pub recipients: i64,
    pub accepted: i64,
    pub delivered: String,
    pub read: String,
    pub converted: String,
    pub cost: String,
    pub href: String,
}

/// A row for each variant; its link narrows the recipients at `list` to it.
pub fn variants(progress: &CampaignProgress, list: &str) -> Vec<VariantRow> {
    let share =
        |share: Option<f64>| share.map_or_else(|| "–".into(), |share| format!("{:.1} %", share * 100.0));
    let row = |one: &domain::campaigns::progress::VariantFigures| VariantRow {
        won: progress.winner.as_ref() == Some(&one.name),
        recipients: one.recipients,
        accepted: one.figures.accepted,
        delivered: share(one.figures.delivered_of_accepted),
        read: share(one.figures.read_of_delivered),
        converted: share(one.figures.conversion_of_accepted),
        cost: money(one.figures.cost_cents),
        href: link::with(list, "variant", &one.name),
        name: one.name.clone(),
    };
    progress.variants.iter().map(row).collect()
}

/// Why a variant won, in words.
pub fn winner_why(why: &Value) -> Option<String> {
    let by = word(&why["measure"]);
    let because = &why["because"];
    let said = match because["why"].as_str()? {
        "better" => {
            let chance = because["p"].as_f64().unwrap_or_default() * 100.0;
            format!("more {by} than each other; the chance that it only looks so is at most {chance:.1} %")
        }
        "time_up" => format!("none had surely more {by} when time was up, so this proves nothing"),
        "alone" => "there is no other".into(),
        _ => return None,
    };
    Some(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_its_cents() {
        for (cents, wanted) in [(0, "0.00"), (5, "0.05"), (123_456, "1,234.56"), (-150, "-1.50")] {
            assert_eq!(money(cents), wanted);
        }
    }

    #[test]
    fn a_winner_says_whether_it_proves_anything() {
        let better = serde_json::json!({"because": {"why": "better", "p": 0.0123}, "measure": "converted"});
        assert!(winner_why(&better).expect("words").contains("at most 1.2 %"));
        let late = serde_json::json!({"because": {"why": "time_up"}, "measure": "read"});
        assert!(winner_why(&late).expect("words").contains("proves nothing"));
        assert_eq!(winner_why(&Value::Null), None);
    }
}
