//! What is sent when: quiet hours, how often, and what asks for consent.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    messages::{
        policy::{self, CapPer, Policy, PolicyView},
        rules::Purpose,
    },
};
use serde_json::{Value, json};

use super::tabs;
use crate::{
    dashboard::{
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{extract::Caller, problem::Problem},
};

/// A purpose, and whether something is about it.
struct Chosen {
    name: &'static str,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "settings/sending.html")]
struct Sending {
    page: Page,
    tabs: Vec<ui::Tab>,
    policy: PolicyView,
    quiet: Option<(String, String)>,
    quiet_for: Vec<Chosen>,
    cap: Option<(i32, i32, bool)>,
    cap_for: Vec<Chosen>,
    /// What is asked of each purpose.
    consent: Vec<(&'static str, String)>,
    write: bool,
}

const PURPOSES: [Purpose; 2] = [Purpose::Marketing, Purpose::Transactional];
/// What is ticked where nothing was said.
const USUAL: [Purpose; 1] = [Purpose::Marketing];

fn chosen(of: &[Purpose]) -> Vec<Chosen> {
    let one = |purpose: Purpose| Chosen { name: purpose.as_str(), ticked: of.contains(&purpose) };
    PURPOSES.into_iter().map(one).collect()
}

/// The policy in force.
pub async fn show_policy(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let policy = policy::get(&ctx).await?;
    let quiet = policy.quiet_hours.as_ref();
    let cap = policy.frequency_cap.as_ref();
    let rule = |purpose: Purpose| {
        let rule = serde_json::to_value(policy.consent.of(purpose)).unwrap_or_default();
        (purpose.as_str(), rule.as_str().unwrap_or_default().to_owned())
    };
    show(&Sending {
        page: viewer.page("Settings of sending"),
        tabs: tabs(&viewer, "Sending"),
        quiet: quiet.map(|quiet| (quiet.from.to_string(), quiet.until.to_string())),
        quiet_for: chosen(quiet.map_or(&USUAL[..], |quiet| &quiet.purposes[..])),
        cap: cap.map(|cap| (cap.most, cap.hours, cap.per == CapPer::Person)),
        cap_for: chosen(cap.map_or(&USUAL[..], |cap| &cap.purposes[..])),
        consent: PURPOSES.into_iter().map(rule).collect(),
        write: viewer.may(Permission::MessagePolicyWrite),
        policy,
    })
}

/// Puts another in force, for all messages that have not left.
pub async fn put(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let text = |name: &str| fields.text(name).unwrap_or_default();
    let all = |name: &str| fields.all(name).collect::<Vec<_>>();
    let quiet = if fields.ticked("quiet") {
        json!({ "from": text("quiet_from"), "until": text("quiet_until"), "purposes": all("quiet_for") })
    } else {
        Value::Null
    };
    let cap = if fields.ticked("cap") {
        let number = |name: &str| fields.read_as::<i32>(name, "a whole number");
        json!({
            "most": number("cap_most")?.unwrap_or_default(), "hours": number("cap_hours")?.unwrap_or_default(),
            "purposes": all("cap_for"), "per": text("cap_per"),
        })
    } else {
        Value::Null
    };
    let consent = json!({ "marketing": text("marketing"), "transactional": text("transactional") });
    let said = json!({ "quiet_hours": quiet, "frequency_cap": cap, "consent": consent });
    let policy: Policy =
        serde_json::from_value(said).map_err(|wrong| Problem::field("/", wrong.to_string()))?;
    policy::put(&fields.of_version(&ctx), policy).await?;
    Ok(done("/ops/settings/sending", "This is in force now, for all messages that have not left."))
}
