//! How long data about people is kept. Other rules are shown with what they would do before they are put in force.

use askama::Template;
use axum::response::{IntoResponse, Response};
use domain::{
    access::permission::Permission,
    privacy::retention::{self, RetentionPreview, RetentionRules, RetentionView},
};

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

/// The fields of the form with what each is about.
const DAYS: [(&str, &str); 4] = [
    ("closed_leads_days", "People are erased so long after their lead was closed"),
    ("messages_days", "What was written to them and by them is blanked after"),
    ("calls_days", "Numbers, notes and recordings of calls are blanked after"),
    ("notes_days", "Notes on what was done with a lead are blanked after"),
];

struct Line {
    name: &'static str,
    about: &'static str,
    days: Option<i32>,
    least: i32,
}

#[derive(Template)]
#[template(path = "settings/retention.html")]
struct RetentionPage {
    page: Page,
    tabs: Vec<ui::Tab>,
    view: RetentionView,
    lines: Vec<Line>,
    write: bool,
}

#[derive(Template)]
#[template(path = "settings/retention_preview.html")]
struct PreviewPage {
    page: Page,
    tabs: Vec<ui::Tab>,
    rules: Vec<(&'static str, Option<i32>)>,
    cool_off_days: i32,
    preview: RetentionPreview,
    apply: ui::Confirm,
}

fn days(rules: &RetentionRules) -> [Option<i32>; 4] {
    [rules.closed_leads_days, rules.messages_days, rules.calls_days, rules.notes_days]
}

/// The rules that hold.
pub async fn show_rules(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let view = retention::get(&ctx).await?;
    let line = |((name, about), days): ((&'static str, &'static str), Option<i32>)| Line {
        name,
        about,
        days,
        least: if name == "closed_leads_days" { 30 } else { 7 },
    };
    show(&RetentionPage {
        page: viewer.page("Settings of retention"),
        tabs: tabs(&viewer, "Retention"),
        lines: DAYS.into_iter().zip(days(&view.rules)).map(line).collect(),
        write: viewer.may(Permission::PrivacyRetention),
        view,
    })
}

/// What other rules would do now; nothing is changed.
pub async fn preview(viewer: Viewer, Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let rules = rules(&fields)?;
    let preview = retention::preview(&ctx, &rules).await?;
    let mut again: Vec<(String, String)> = DAYS
        .into_iter()
        .zip(days(&rules))
        .filter_map(|((name, _), days)| Some((name.to_owned(), days?.to_string())))
        .collect();
    again.push(("cool_off_days".into(), rules.cool_off_days.to_string()));
    again.push(("version".into(), fields.text("version").unwrap_or_default().to_owned()));
    let apply = ui::Confirm {
        action: "/ops/settings/retention/apply".into(),
        csrf: viewer.csrf().to_owned(),
        name: "retention".into(),
        warning: "What is too old by these rules goes within the hour, and nothing brings it back.".into(),
        verb: "Put them in force".into(),
        fields: again,
    };
    let shown = PreviewPage {
        page: viewer.page("Other rules of retention"),
        tabs: tabs(&viewer, "Retention"),
        rules: DAYS.into_iter().zip(days(&rules)).map(|((_, about), days)| (about, days)).collect(),
        cool_off_days: rules.cool_off_days,
        preview,
        apply,
    };
    Ok(show(&shown)?.into_response())
}

/// Puts them in force.
pub async fn apply(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    fields.confirms("retention")?;
    retention::replace(&fields.of_version(&ctx), &rules(&fields)?).await?;
    Ok(done("/ops/settings/retention", "These rules hold now; they are applied within the hour."))
}

fn rules(fields: &Fields) -> Result<RetentionRules, Problem> {
    let days = |name: &str| fields.read_as::<i32>(name, "a number of days, or nothing to keep it");
    Ok(RetentionRules {
        cool_off_days: days("cool_off_days")?.unwrap_or(retention::COOL_OFF_DAYS),
        closed_leads_days: days("closed_leads_days")?,
        messages_days: days("messages_days")?,
        calls_days: days("calls_days")?,
        notes_days: days("notes_days")?,
    })
}
