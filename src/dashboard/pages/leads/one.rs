//! One lead.

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    leads::{
        activities::{self, ActivityKind},
        lead::{LeadView, Status},
        merged::{self, Found},
    },
    scoring::history,
    types::{ActivityId, LeadId},
    vault::Personal,
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    course::{Dealings, Done, Part, Was, dealings, parts},
    like, money,
    names::Names,
    privacy::{Standing, standing},
};
use crate::{
    dashboard::{
        asked, link,
        page::{Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

#[derive(Template)]
#[template(path = "leads/one.html")]
struct One {
    page: Page,
    lead: LeadView,
    name: String,
    short: String,
    like: &'static str,
    facts: Vec<Fact>,
    tags: Vec<(String, String)>,
    attributes: Vec<(String, String)>,
    masked: bool,
    parts: Vec<Part>,
    history: Vec<Was>,
    timeline: Vec<Done>,
    next: Option<String>,
    dealings: Dealings,
    standing: Option<Vec<Standing>>,
    messages_list: String,
    news: bool,
    may: May,
    kinds: Vec<&'static str>,
    statuses: Vec<&'static str>,
    erase: bool,
    delete: Option<ui::Confirm>,
}

/// A fact that may lead somewhere.
struct Fact {
    name: &'static str,
    value: String,
    href: Option<String>,
}

/// What the viewer may do with it.
#[expect(clippy::struct_excessive_bools, reason = "each is a button")]
struct May {
    score: bool,
    route: bool,
    note: bool,
    status: bool,
    restrict: bool,
    hold: bool,
    access: bool,
}

/// Where its timeline goes on.
#[derive(Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// A lead with its score and why, what was done with it and what stands over it. One that was merged leads to what it is
/// by now.
pub async fn show_lead(
    State(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let lead = match merged::find(&ctx, LeadId(id)).await? {
        Found::Here(lead) => *lead,
        Found::MergedInto(lead) => return Ok(Redirect::to(&format!("/ops/leads/{lead}")).into_response()),
    };
    let (now, lead_id) = (app.platform.clock.now(), lead.id);
    let window: Window<(DateTime<Utc>, Uuid)> = Window::of(asked::text(asked.cursor.as_deref()), None)?;
    let before = window.before.map(|(at, id)| (at, ActivityId(id)));
    let timeline = activities::list(&ctx, lead_id, before, window.rows).await?;
    let timeline = window.page(timeline, |one| (one.at, one.id.0));
    let (agents, teams) = (Names::agents(&ctx).await?, Names::teams(&ctx).await?);
    let history = history::of_lead(&ctx, lead_id).await?;
    let may = |permission| viewer.may(permission);
    let free = lead.restricted_at.is_none();
    let short = short(lead_id.0);
    let name = lead.name.as_ref().map_or_else(|| format!("Lead {short}"), |name| name.expose().clone());
    let delete = (may(Permission::LeadsDelete) && free).then(|| ui::Confirm {
        action: format!("/ops/leads/{lead_id}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: short.clone(),
        warning: "The lead goes for good. This is not how somebody is forgotten who asks for it: take that down above."
            .into(),
        verb: "Delete".into(),
        fields: Vec::new(),
    });
    let page = One {
        page: viewer.page(&name),
        facts: facts(&lead, &agents, &teams),
        tags: lead.tags.iter().map(|tag| (tag.clone(), link::to("/ops/leads", &[("tag", tag)]))).collect(),
        attributes: attributes(&lead),
        masked: !may(Permission::PersonalRead),
        parts: parts(&lead, now),
        history: history.iter().map(Was::of).collect(),
        timeline: timeline
            .items
            .into_iter()
            .map(|one| Done::of(one, may(Permission::MessagesRead)))
            .collect(),
        next: timeline.next_cursor,
        dealings: dealings(&ctx, lead_id, &agents).await?,
        standing: standing(&ctx, lead_id).await?,
        messages_list: link::to("/ops/messages", &[("lead", &lead_id.to_string())]),
        news: may(Permission::EventsRead),
        may: May {
            score: may(Permission::LeadsScore) && free,
            route: may(Permission::LeadsRoute) && free,
            note: may(Permission::ActivitiesWrite),
            status: may(Permission::LeadsWrite),
            restrict: may(Permission::PrivacyRestrict) && free,
            hold: viewer.may_of_all(Permission::PrivacyHold),
            access: viewer.may_of_all(Permission::PrivacyAccess),
        },
        kinds: ActivityKind::ALL.iter().filter(|kind| kind.is_by_hand()).map(|kind| kind.as_str()).collect(),
        statuses: Status::ALL.iter().map(|status| status.as_str()).collect(),
        erase: viewer.may_of_all(Permission::PrivacyErase),
        like: like(&lead.status),
        name,
        short,
        delete,
        lead,
    };
    Ok(show(&page)?.into_response())
}

fn facts(lead: &LeadView, agents: &Names, teams: &Names) -> Vec<Fact> {
    let list = |field: &str, value: &str| Some(link::to("/ops/leads", &[(field, value)]));
    let fact = |name, value: Option<String>, href| value.map(|value| Fact { name, value, href });
    let personal = |value: Option<&Personal<String>>| value.map(|value| value.expose().clone());
    let owner = lead.owner_id.map_or_else(|| "nobody".to_owned(), |id| agents.of(id.0));
    let of_owner = lead.owner_id.and_then(|id| list("owner", &id.to_string()));
    let of_team = lead.team_id.and_then(|id| list("team", &id.to_string()));
    let of_import = lead.import_id.and_then(|id| list("import", &id.to_string()));
    let all = [
        fact("Phone", personal(lead.phone.as_ref()), None),
        fact("E-mail", personal(lead.email.as_ref()), None),
        fact("Source", Some(lead.source.clone()), list("source", &lead.source)),
        fact("Owner", Some(owner), of_owner),
        fact("Team", lead.team_id.map(|id| teams.of(id.0)), of_team),
        fact("Language", lead.language.clone(), None),
        fact("Region", lead.region.clone(), None),
        fact("Expected value", lead.value_cents.map(money), None),
        fact("Spent on it", lead.cost_cents.map(money), None),
        fact("Import", lead.import_id.map(|id| short(id.0)), of_import),
    ];
    all.into_iter().flatten().collect()
}

fn attributes(lead: &LeadView) -> Vec<(String, String)> {
    let Some(serde_json::Value::Object(all)) = lead.attributes.as_ref().map(Personal::expose) else {
        return Vec::new();
    };
    let plain =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    all.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
}
