//! The runs of a campaign.

use askama::Template;
use domain::{
    campaigns::{
        manage::{self, CampaignView},
        progress::{self, CampaignProgress},
    },
    types::{CampaignId, CampaignRunId},
};
use serde::Deserialize;

use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::Window,
    },
};

/// Each run is summed up by itself, so a page has few.
const PAGE: u16 = 20;

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "campaigns/runs.html")]
struct RunsPage {
    page: Page,
    campaign: CampaignView,
    runs: Vec<CampaignProgress>,
    next: Option<String>,
}

/// All runs of a campaign, newest first.
pub async fn list(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<CampaignId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let campaign = manage::get(&ctx, id).await?;
    let window = Window::of(asked.cursor.as_deref(), Some(PAGE))?;
    let rows = progress::runs(&ctx, id, window.before.map(CampaignRunId), window.rows).await?;
    let shown = window.page(rows, |run| run.run_id.0);
    show(&RunsPage {
        page: viewer.page(&format!("Runs of {}", campaign.name)),
        campaign,
        runs: shown.items,
        next: shown.next_cursor,
    })
}
