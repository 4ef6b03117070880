//! Who has how many points, and how it all goes.

use askama::Template;
use chrono::NaiveDate;
use domain::gamification::leaderboards::{
    self, BoardOf, BoardPeriod, Wanted,
    stats::{self, GameStats},
};
use serde::Deserialize;

use super::parts;
use crate::{
    dashboard::{
        asked, link,
        page::{Answer, Page, show},
        ui::{self, Tab},
        viewer::Viewer,
    },
    http::{
        api::gamification::{BoardPlace, after},
        extract::{Caller, Query},
        page::Window,
    },
};

const PERIODS: [(&str, BoardPeriod); 4] = [
    ("Today", BoardPeriod::Day),
    ("This week", BoardPeriod::Week),
    ("This month", BoardPeriod::Month),
    ("All time", BoardPeriod::AllTime),
];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    period: Option<String>,
    of: Option<String>,
    cursor: Option<String>,
}

/// A line of the board.
struct Line {
    rank: i64,
    name: String,
    points: i64,
}

#[derive(Template)]
#[template(path = "play/board.html")]
struct Board {
    page: Page,
    parts: Vec<Tab>,
    periods: Vec<Tab>,
    sides: Vec<Tab>,
    days: Option<(NaiveDate, NaiveDate)>,
    lines: Vec<Line>,
    next: Option<String>,
    stats: GameStats,
}

/// The leaderboard, with the figures of it all and the viewer's own.
pub async fn board(viewer: Viewer, Caller(ctx): Caller, Query(asked): Query<Asked>) -> Answer {
    let period = asked::word("?period", asked.period.as_deref())?.unwrap_or(BoardPeriod::Week);
    let of = asked::word("?of", asked.of.as_deref())?.unwrap_or(BoardOf::Agents);
    let window = Window::<BoardPlace>::of(asked.cursor.as_deref(), None)?;
    let wanted = Wanted { period, day: None, team: None, of };
    let board = leaderboards::board(&ctx, wanted, after(&window), window.rows).await?;
    let shown = window.page(board.lines, |line| {
        let (points, id) = line.place();
        (0, points, id)
    });
    let page = viewer.page("Play");
    let tab =
        |word, name: &str, value: &str, current| Tab::new(word, link::with(&page.here, name, value), current);
    let line = |line: &leaderboards::BoardLine| Line {
        rank: line.rank,
        name: line.name.expose().clone(),
        points: line.points,
    };
    show(&Board {
        parts: parts("/ops/play"),
        periods: PERIODS.map(|(word, one)| tab(word, "period", one.as_str(), one == period)).into(),
        sides: vec![
            tab("Agents", "of", BoardOf::Agents.as_str(), of == BoardOf::Agents),
            tab("Teams", "of", BoardOf::Teams.as_str(), of == BoardOf::Teams),
        ],
        days: board.days,
        lines: shown.items.iter().map(line).collect(),
        next: shown.next_cursor,
        stats: stats::stats(&ctx, None).await?,
        page,
    })
}
