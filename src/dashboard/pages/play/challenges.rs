//! What is to be reached each day, week or month, and who has come how far.

use askama::Template;
use axum::response::Response;
use chrono::NaiveDate;
use domain::{
    access::permission::Permission,
    gamification::{
        Metric,
        challenges::{
            self as games, ChallengeView, NewChallenge,
            board::{self, ActiveChallenge, RoundView},
            claim as claims, members,
        },
        days::Period,
    },
    types::{AgentId, ChallengeId},
};
use serde::Deserialize;

use super::{chosen, counted, metrics, parts};
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui::{self, Tab},
        viewer::Viewer,
    },
    http::{
        api::gamification::{BoardPlace, after},
        extract::{Caller, Path, Query},
        page::Window,
        problem::Problem,
    },
};

/// A challenge that goes on, in a line.
struct Row {
    active: ActiveChallenge,
    period: &'static str,
    counted: &'static str,
    /// The viewer may join it, or claim what it brings.
    join: bool,
    claim: bool,
}

#[derive(Template)]
#[template(path = "play/challenges.html")]
struct List {
    page: Page,
    parts: Vec<Tab>,
    rows: Vec<Row>,
    /// What a new one can count, for whoever may make one.
    metrics: Option<Vec<(&'static str, &'static str)>>,
}

/// The challenges that go on.
pub async fn list(viewer: Viewer, Caller(ctx): Caller) -> Answer {
    let plays = viewer.may(Permission::GamificationPlay);
    let row = |active: ActiveChallenge| Row {
        period: period(active.challenge.period),
        counted: counted(active.challenge.metric),
        join: plays && active.challenge.by_joining && active.joined == Some(false),
        claim: plays && active.own_completed_at.is_some() && active.own_claimed_at.is_none(),
        active,
    };
    let rows = board::active(&ctx).await?.into_iter().map(row).collect();
    let metrics = viewer.may_of_all(Permission::GamificationWrite).then(metrics);
    show(&List { page: viewer.page("Challenges"), parts: parts("/ops/play/challenges"), rows, metrics })
}

/// Makes a challenge.
pub async fn make(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let new = NewChallenge {
        name: asked::needed(&fields, "name")?,
        description: None,
        period: chosen(&fields, "period", Period::named)?,
        metric: chosen(&fields, "metric", Metric::named)?,
        target: asked::needed(&fields, "target")?,
        team_id: None,
        by_joining: fields.ticked("by_joining"),
        reward_points: fields.read_as("reward_points", "a number")?.unwrap_or(0),
        badge_id: None,
        starts_at: None,
        ends_at: None,
    };
    games::create(&ctx, new).await?;
    Ok(done("/ops/play/challenges", "The challenge goes on from now on."))
}

fn period(period: Period) -> &'static str {
    match period {
        Period::Daily => "each day",
        Period::Weekly => "each week",
        Period::Monthly => "each month",
    }
}

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    day: Option<NaiveDate>,
    cursor: Option<String>,
}

/// A line of a scorecard.
struct Score {
    rank: i64,
    name: String,
    progress: i64,
    state: &'static str,
    completed_at: Option<chrono::DateTime<chrono::Utc>>,
}

#[derive(Template)]
#[template(path = "play/challenge.html")]
struct One {
    page: Page,
    parts: Vec<Tab>,
    challenge: ChallengeView,
    period: &'static str,
    counted: &'static str,
    round: RoundView,
    before: NaiveDate,
    scores: Vec<Score>,
    next: Option<String>,
    take_away: Option<ui::Confirm>,
}

/// A challenge with the scorecard of a round.
pub async fn show_challenge(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let challenge = games::get(&ctx, id).await?;
    let window = Window::<BoardPlace>::of(asked.cursor.as_deref(), None)?;
    let place = after(&window).map(|(progress, agent)| (progress, AgentId(agent)));
    let mut round = board::progress(&ctx, id, asked.day, place, window.rows).await?;
    let shown = window.page(std::mem::take(&mut round.scores), |score| (0, score.progress, score.agent_id.0));
    let score = |score: &board::ScoreView| Score {
        rank: score.rank,
        name: score.name.expose().clone(),
        progress: score.progress,
        state: match (score.completed_at, score.claimed_at) {
            (_, Some(_)) => "done",
            (Some(_), None) => "completed",
            (None, None) => "running",
        },
        completed_at: score.completed_at,
    };
    let writes = viewer.may_of_all(Permission::GamificationWrite);
    let take_away = writes.then(|| ui::Confirm {
        action: format!("/ops/play/challenges/{id}/delete"),
        csrf: viewer.csrf().to_owned(),
        name: challenge.name.clone(),
        warning: "It ends for good. What was reached in the round that goes on is given at its end.".into(),
        verb: "Take the challenge away".into(),
        fields: Vec::new(),
    });
    show(&One {
        page: viewer.page(&challenge.name),
        parts: parts(""),
        period: period(challenge.period),
        counted: counted(challenge.metric),
        before: round.day.pred_opt().unwrap_or(round.day),
        scores: shown.items.iter().map(score).collect(),
        next: shown.next_cursor,
        round,
        challenge,
        take_away,
    })
}

/// Has the viewer take part.
pub async fn join(Caller(ctx): Caller, Path(id): Path<ChallengeId>) -> Result<Response, Problem> {
    members::join(&ctx, id, None).await?;
    Ok(done("/ops/play/challenges", "You take part in it from now on."))
}

/// Claims what the round that goes on brings.
pub async fn claim(Caller(ctx): Caller, Path(id): Path<ChallengeId>) -> Result<Response, Problem> {
    claims::claim(&ctx, id, None, None).await?;
    Ok(done("/ops/play/challenges", "You were given what it brings."))
}

/// Takes it away, once its name was typed.
pub async fn delete(
    Caller(ctx): Caller,
    Path(id): Path<ChallengeId>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&games::get(&ctx, id).await?.name)?;
    games::delete(&ctx, id).await?;
    Ok(done("/ops/play/challenges", "The challenge is gone."))
}
