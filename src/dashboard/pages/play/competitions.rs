//! Teams against each other, and who leads.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    agents::teams::{self, TeamView},
    gamification::{
        Metric,
        competitions::{
            self as games, CompetitionState, CompetitionView, NewCompetition, closing,
            standings::{self, Contribution, Standings},
        },
    },
    moment::Moment,
    types::{AgentId, CompetitionId, TeamId},
};
use serde::Deserialize;
use uuid::Uuid;

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
        extract::{Caller, Path, Query},
        page::{Paging, Window},
        problem::Problem,
    },
};

/// Teams that the form offers.
const OFFERED: i64 = 200;

/// Words with what people read for them, and teams.
type Offers = (Vec<(&'static str, &'static str)>, Vec<TeamView>);

#[derive(Template)]
#[template(path = "play/competitions.html")]
struct List {
    page: Page,
    parts: Vec<Tab>,
    rows: Vec<(CompetitionView, &'static str)>,
    next: Option<String>,
    /// What a new one can count, and who can take part, for whoever may make one.
    offers: Option<Offers>,
}

/// The competitions, newest first.
pub async fn list(viewer: Viewer, Caller(ctx): Caller, Query(paging): Query<Paging>) -> Answer {
    let window = paging.window()?;
    let rows = games::list(&ctx, window.before.map(CompetitionId), window.rows).await?;
    let shown = window.page(rows, |one| one.id.0);
    let makes = viewer.may_of_all(Permission::GamificationWrite) && viewer.may(Permission::TeamsRead);
    let offers = if makes { Some((metrics(), teams::list(&ctx, None, OFFERED).await?)) } else { None };
    show(&List {
        page: viewer.page("Competitions"),
        parts: parts("/ops/play/competitions"),
        rows: shown
            .items
            .into_iter()
            .map(|one| {
                let counts = counted(one.metric);
                (one, counts)
            })
            .collect(),
        next: shown.next_cursor,
        offers,
    })
}

/// Makes a competition.
pub async fn make(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let ends_at = asked::moment("/ends_at", fields.text("ends_at").map(ToOwned::to_owned).as_deref())?;
    let wrong = |_| Problem::field("/ends_at", "a time like 2026-11-27T15:00:00Z");
    let teams = fields.all("team").map(Uuid::try_parse).collect::<Result<Vec<Uuid>, _>>();
    let new = NewCompetition {
        name: asked::needed(&fields, "name")?,
        description: None,
        metric: chosen(&fields, "metric", Metric::named)?,
        starts_at: None,
        ends_at: ends_at.map(Moment::try_from).transpose().map_err(wrong)?,
        team_ids: teams
            .map_err(|_| Problem::field("/team", "this is no id"))?
            .into_iter()
            .map(TeamId)
            .collect(),
        prize_points: fields.read_as("prize_points", "a number")?.unwrap_or(0),
        badge_id: None,
    };
    games::create(&ctx, new).await?;
    Ok(done("/ops/play/competitions", "The competition goes on from now on."))
}

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// What somebody has scored.
struct Player {
    rank: i64,
    name: String,
    team: String,
    score: i64,
}

#[derive(Template)]
#[template(path = "play/competition.html")]
struct One {
    page: Page,
    parts: Vec<Tab>,
    standings: Standings,
    counted: &'static str,
    players: Vec<Player>,
    next: Option<String>,
    close: bool,
    cancel: Option<ui::Confirm>,
}

/// A competition with its standings, and with who has scored.
pub async fn show_competition(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let standings = standings::standings(&ctx, Some(id)).await?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let after = window.before.map(|(score, agent, team)| (score, AgentId(agent), TeamId(team)));
    let rows = standings::contributions(&ctx, id, None, after, window.rows).await?;
    let shown = window.page(rows, Contribution::place);
    let player = |one: &Contribution| Player {
        rank: one.rank,
        name: one.name.expose().clone(),
        team: standings
            .teams
            .iter()
            .find(|team| team.team_id == one.team_id)
            .map_or_else(String::new, |team| team.name.clone()),
        score: one.score,
    };
    let players = shown.items.iter().map(player).collect();
    let competition = &standings.competition;
    let writes = viewer.may_of_all(Permission::GamificationWrite);
    let goes_on = matches!(competition.state, CompetitionState::Running | CompetitionState::Scheduled);
    let cancel = (writes && goes_on).then(|| ui::Confirm {
        action: format!("/ops/play/competitions/{id}/cancel"),
        csrf: viewer.csrf().to_owned(),
        name: competition.name.clone(),
        warning: "It is called off for good, and nobody wins.".into(),
        verb: "Call the competition off".into(),
        fields: Vec::new(),
    });
    show(&One {
        page: viewer.page(&competition.name),
        parts: parts(""),
        counted: counted(competition.metric),
        close: writes && matches!(competition.state, CompetitionState::Running | CompetitionState::Ending),
        players,
        next: shown.next_cursor,
        cancel,
        standings,
    })
}

/// Closes it now.
pub async fn close(Caller(ctx): Caller, Path(id): Path<CompetitionId>) -> Result<Response, Problem> {
    closing::by_hand(&ctx, id).await?;
    Ok(done(
        &format!("/ops/play/competitions/{id}"),
        "The competition is closed, and its standings are final.",
    ))
}

/// Calls it off, once its name was typed.
pub async fn cancel(
    Caller(ctx): Caller,
    Path(id): Path<CompetitionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&games::get(&ctx, id).await?.name)?;
    games::cancel(&ctx, id).await?;
    Ok(done(&format!("/ops/play/competitions/{id}"), "The competition was called off."))
}
