//! What points are given for, and what became of that.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    gamification::rewards::{
        self as prizes, NewReward, RewardView,
        redeem::{self as redeeming, Redeem, RedemptionState, RedemptionView},
    },
    types::{RedemptionId, RewardId},
};
use serde::Deserialize;

use super::parts;
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui::{self, Tab},
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::{Paging, Window},
        problem::Problem,
    },
};

/// A reward in a line.
struct Row {
    reward: RewardView,
    /// The viewer may have it.
    redeem: bool,
}

#[derive(Template)]
#[template(path = "play/rewards.html")]
struct List {
    page: Page,
    parts: Vec<Tab>,
    rows: Vec<Row>,
    next: Option<String>,
    /// The viewer may make one.
    make: bool,
}

/// The rewards, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(paging): Query<Paging>) -> Answer {
    let window = paging.window()?;
    let rows = prizes::list(&ctx, window.before.map(RewardId), window.rows).await?;
    let shown = window.page(rows, |reward| reward.id.0);
    let plays = viewer.may(Permission::GamificationPlay);
    let row = |reward: RewardView| {
        let there = reward.stock != Some(0);
        let has = reward.unlocked == Some(true) && reward.affordable == Some(true);
        Row { redeem: plays && there && has, reward }
    };
    show(&List {
        page: viewer.page("Rewards"),
        parts: parts("/ops/play/rewards"),
        rows: shown.items.into_iter().map(row).collect(),
        next: shown.next_cursor,
        make: viewer.may_of_all(Permission::GamificationWrite),
    })
}

/// Makes a reward.
pub async fn make(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let new = NewReward {
        name: asked::needed(&fields, "name")?,
        description: None,
        price: asked::needed(&fields, "price")?,
        stock: fields.read_as("stock", "a number")?,
        most_each: fields.read_as("most_each", "a number")?,
        tier_id: None,
    };
    prizes::create(&ctx, new).await?;
    Ok(done("/ops/play/rewards", "The reward is there."))
}

/// Gives the viewer's points for one.
pub async fn redeem(Caller(ctx): Caller, Path(id): Path<RewardId>) -> Result<Response, Problem> {
    prizes::get(&ctx, id).await?;
    redeeming::redeem(&ctx, Redeem { reward_id: id, agent_id: None }).await?;
    Ok(done("/ops/play/redemptions", "You have given points for it."))
}

/// A redemption in a line.
struct Given {
    id: RedemptionId,
    state: String,
    reward: String,
    name: String,
    price: i32,
    at: DateTime<Utc>,
    version: i64,
    open: bool,
}

#[derive(Template)]
#[template(path = "play/redemptions.html")]
struct Redemptions {
    page: Page,
    parts: Vec<Tab>,
    states: Vec<Tab>,
    filtered: bool,
    rows: Vec<Given>,
    next: Option<String>,
    settles: bool,
}

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    cursor: Option<String>,
}

/// Points that were given for rewards: the viewer's, and of those whom they see.
pub async fn redemptions(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let state: Option<RedemptionState> = asked::word("?state", asked.state.as_deref())?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let settles = viewer.may_of_all(Permission::GamificationWrite);
    // Whoever sees only what is theirs and is no agent has none, which is no reason to be refused the page.
    let rows = match redeeming::list(&ctx, state, window.before.map(RedemptionId), window.rows).await {
        Err(domain::Error::Beyond(_)) => Vec::new(),
        rows => rows?,
    };
    let shown = window.page(rows, |one| one.id.0);
    let page = viewer.page("Redemptions");
    let tab = |word, value: &str| {
        Tab::new(
            word,
            link::with(&page.here, "state", value),
            state.map_or("", RedemptionState::as_str) == value,
        )
    };
    let given = |one: RedemptionView| Given {
        id: one.id,
        open: one.state == RedemptionState::Placed.as_str(),
        state: one.state,
        reward: one.reward,
        name: one.name.expose().clone(),
        price: one.price,
        at: one.at,
        version: one.version,
    };
    show(&Redemptions {
        parts: parts("/ops/play/redemptions"),
        states: vec![
            tab("All", ""),
            tab("Placed", "placed"),
            tab("Fulfilled", "fulfilled"),
            tab("Cancelled", "cancelled"),
        ],
        filtered: state.is_some(),
        rows: shown.items.into_iter().map(given).collect(),
        next: shown.next_cursor,
        settles,
        page,
    })
}

/// Says that somebody has it.
pub async fn fulfil(
    Caller(ctx): Caller,
    Path(id): Path<RedemptionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    redeeming::fulfil(&fields.of_version(&ctx), id).await?;
    Ok(done("/ops/play/redemptions", "They have it."))
}

/// Calls it off.
pub async fn cancel(
    Caller(ctx): Caller,
    Path(id): Path<RedemptionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    redeeming::cancel(&fields.of_version(&ctx), id).await?;
    Ok(done("/ops/play/redemptions", "It was called off, and the points are back."))
}
