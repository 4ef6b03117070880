//! The list of campaigns.

use std::collections::HashMap;

use askama::Template;
use domain::{
    Error,
    campaigns::{
        manage::{self, CampaignView},
        progress::{RunBrief, briefs},
        rules::lifecycle::CampaignStatus,
    },
    types::CampaignId,
};
use serde::Deserialize;

use super::bar::Bar;
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui::{self, Facet},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    status: Option<String>,
    cursor: Option<String>,
}

/// A campaign with its newest run.
struct Row {
    campaign: CampaignView,
    run: Option<RunBrief>,
    bar: Option<Bar>,
    channels: String,
    when: String,
}

#[derive(Template)]
#[template(path = "campaigns/list.html")]
struct List {
    page: Page,
    rail: Vec<Facet>,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
}

/// The campaigns, newest first, each with how far its newest run is.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let status = match asked.status.as_deref().filter(|status| !status.is_empty()) {
        None => None,
        Some(named) => Some(CampaignStatus::named(named).ok_or_else(|| {
            let known = CampaignStatus::ALL.map(CampaignStatus::as_str).join(", ");
            Problem::field("?status", format!("one of {known}"))
        })?),
    };
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let rows = manage::list(&ctx, status, window.before.map(CampaignId), window.rows).await?;
    let listed = window.page(rows, |campaign| campaign.id.0);
    let ids: Vec<CampaignId> = listed.items.iter().map(|campaign| campaign.id).collect();
    let mut runs = briefs(&ctx, &ids).await?;
    let looks = viewer.look().is_some();
    let here = link::to("/ops/campaigns", &[("status", asked.status.as_deref().unwrap_or_default())]);
    let choices = CampaignStatus::ALL.map(CampaignStatus::as_str);
    show(&List {
        page: viewer.page("Campaigns"),
        rail: vec![Facet::of_states("State", &here, "status", choices, asked.status.as_deref())],
        next: listed.next_cursor,
        rows: listed.items.into_iter().map(|campaign| row(campaign, &mut runs, looks)).collect(),
        filtered: status.is_some(),
    })
}

fn row(campaign: CampaignView, runs: &mut HashMap<CampaignId, RunBrief>, looks: bool) -> Row {
    let run = runs.remove(&campaign.id);
    let channels: Vec<&str> = campaign.content.channels.iter().map(|way| way.channel.as_str()).collect();
    Row {
        bar: run.as_ref().map(|run| Bar::of(campaign.id, run, looks)),
        channels: channels.join(", "),
        when: super::facts::when(campaign.schedule.as_ref()),
        run,
        campaign,
    }
}

/// How far the newest run of a campaign is, and nothing else.
pub async fn bar(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<CampaignId>) -> Answer {
    let run = briefs(&ctx, &[id]).await?.remove(&id).ok_or(Error::NotFound("run"))?;
    show(&Bar::of(id, &run, viewer.look().is_some()))
}
