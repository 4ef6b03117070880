//! Points that were earned in a range, challenges, badges and who leads: from what games keep by the day of the tenant's zone,
//! beside their ledger.

use super::frame::{Frame, MOST_ROWS, Parts, column};
use crate::{
    analytics::{
        document::{Cell, Chart, ChartKind, ColumnKind, Figure, Series, Table, Unit},
        make::stands_for,
        measures::quotient,
        store::{self, ChallengeFigures, Earned},
    },
    error::Result,
    tenancy::TenantTx,
};

/// People on the leaderboard, and challenges and badges that are told of.
const MOST: i64 = 200;

/// The leaderboard, challenges and badges; points drawn by day.
pub(super) async fn parts(tx: &mut TenantTx, frame: &Frame) -> Result<Parts> {
    let tenant = tx.tenant;
    let (dates, before) = (frame.dates, frame.dates.previous());
    let mut parts = Parts::titled("Games");
    let now = store::points_in(tx.conn(), tenant, dates).await?;
    let then = store::points_in(tx.conn(), tenant, before).await?;
    let challenges = store::challenges_in(tx.conn(), tenant, dates, MOST).await?;
    let earlier = store::challenges_in(tx.conn(), tenant, before, MOST).await?;
    let badges = store::badges_in(tx.conn(), tenant, frame.range, MOST).await?;
    let badges_then = store::badges_in(tx.conn(), tenant, frame.before, MOST).await?;
    let whole = |n: i64| Some(Figure::Whole(n));
    parts.tile("game.points", (whole(now.points), whole(then.points)));
    parts.tile("game.players", (whole(now.players), whole(then.players)));
    let done = |all: &[ChallengeFigures]| {
        let (played, completed) = all
            .iter()
            .fold((0, 0), |(played, completed), one| (played + one.played, completed + one.completed));
        quotient(completed, played)
    };
    parts.tile("game.completion", (done(&challenges), done(&earlier)));
    let given = |all: &[(String, i64)]| whole(all.iter().map(|(_, n)| n).sum());
    parts.tile("game.badges", (given(&badges), given(&badges_then)));
    let days = store::points_by_day(tx.conn(), tenant, dates).await?;
    parts.charts.push(drawn(&days));
    let leaders = store::leaders(tx.conn(), tenant, dates, MOST).await?;
    parts.tables.push(leaderboard(&leaders, now.players));
    parts.tables.push(challenge_table(&challenges));
    parts.tables.push(badge_table(&badges));
    Ok(parts)
}

fn drawn(days: &[(String, i64)]) -> Chart {
    Chart {
        title: "Points by day".into(),
        kind: ChartKind::Bar,
        unit: Unit::Points,
        labels: days.iter().map(|(day, _)| day.clone()).collect(),
        series: vec![Series {
            name: "Points".into(),
            values: days.iter().map(|(_, points)| Some(Figure::Whole(*points))).collect(),
        }],
    }
}

/// Whoever has as many points has the same rank: 1, 2, 2, 4.
fn leaderboard(leaders: &[Earned], players: i64) -> Table {
    let number = |n: i64| Some(Cell::Figure(Figure::Whole(n)));
    let line = |one: &Earned| {
        vec![
            number(one.rank),
            Some(Cell::Text(stands_for(&one.agent.to_string()))),
            number(one.points),
            number(one.deeds),
        ]
    };
    Table {
        title: "Leaderboard".into(),
        columns: vec![
            column("Rank", ColumnKind::Count),
            column("Agent", ColumnKind::Text),
            column("Points", ColumnKind::Points),
            column("Deeds", ColumnKind::Count),
        ],
        rows: leaders.iter().take(MOST_ROWS).map(line).collect(),
        totals: None,
        cut: usize::try_from(players).is_ok_and(|players| players > leaders.len()),
    }
}

fn challenge_table(challenges: &[ChallengeFigures]) -> Table {
    let number = |n: i64| Some(Cell::Figure(Figure::Whole(n)));
    let line = |one: &ChallengeFigures| {
        vec![
            Some(Cell::Text(one.name.clone())),
            number(one.rounds),
            number(one.played),
            number(one.completed),
            quotient(one.completed, one.played).map(Cell::Figure),
        ]
    };
    Table {
        title: "Challenges".into(),
        columns: vec![
            column("Challenge", ColumnKind::Text),
            column("Rounds", ColumnKind::Count),
            column("Played", ColumnKind::Count),
            column("Completed", ColumnKind::Count),
            column("Completion", ColumnKind::Ratio),
        ],
        rows: challenges.iter().map(line).collect(),
        totals: None,
        cut: false,
    }
}

fn badge_table(badges: &[(String, i64)]) -> Table {
    let line =
        |(name, n): &(String, i64)| vec![Some(Cell::Text(name.clone())), Some(Figure::Whole(*n).into())];
    Table {
        title: "Badges".into(),
        columns: vec![column("Badge", ColumnKind::Text), column("Given", ColumnKind::Count)],
        rows: badges.iter().map(line).collect(),
        totals: None,
        cut: false,
    }
}
