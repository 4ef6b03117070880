//! Zone, language, and how long logs and sessions are kept.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    tenancy::settings::{self, RetentionChange, SettingsChange, TenantView},
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

#[derive(Template)]
#[template(path = "settings/general.html")]
struct General {
    page: Page,
    tabs: Vec<ui::Tab>,
    tenant: TenantView,
    write: bool,
}

/// The settings as they are.
pub async fn show_settings(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let tenant = settings::get(&ctx).await?;
    let write = viewer.may(Permission::TenantWrite);
    show(&General { page: viewer.page("Settings"), tabs: tabs(&viewer, "General"), tenant, write })
}

/// Changes what is other than it was.
pub async fn change(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let there = settings::get(&ctx).await?;
    let days = |name: &str, there: i32| {
        let said: Option<i32> = fields.read_as(name, "a number of days")?;
        Ok::<_, Problem>(said.filter(|said| *said != there))
    };
    let text = |name: &str, there: &str| fields.text(name).filter(|text| *text != there);
    let zone = match text("zone", &there.zone) {
        Some(_) => {
            fields.read_as("zone", "a name of the IANA time zone database, for example Europe/Berlin")?
        }
        None => None,
    };
    let locale = match text("locale", &there.locale) {
        Some(_) => fields.read_as("locale", "a language tag, for example en or de-AT")?,
        None => None,
    };
    let search = fields.ticked("search_names");
    let demand = fields.ticked("second_factor_required");
    let change = SettingsChange {
        retention: RetentionChange {
            sessions_days: days("sessions_days", there.retention.sessions_days)?,
            imports_days: days("imports_days", there.retention.imports_days)?,
            audit_days: days("audit_days", there.retention.audit_days)?,
            attempts_days: days("attempts_days", there.retention.attempts_days)?,
        },
        search_names: (search != there.search_names).then_some(search),
        second_factor_required: (demand != there.second_factor_required).then_some(demand),
        default_team_id: None,
        zone,
        locale,
    };
    settings::change(&ctx, change).await?;
    Ok(done("/ops/settings/general", "The settings are changed."))
}
