//! One schedule of a tenant.

use askama::Template;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    schedules::{self, MisfirePolicy, OverlapPolicy, PREVIEW},
};
use engine::schedules::{Tick, View};
use serde::Deserialize;
use uuid::Uuid;

use super::{May, outcome, when};
use crate::{
    dashboard::{
        link,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path, Query},
        page::Window,
    },
};

/// A time that has come.
struct Past {
    tick: Tick,
    said: &'static str,
    like: &'static str,
}

#[derive(Template)]
#[template(path = "schedules/one.html")]
struct One {
    page: Page,
    /// The viewer may see the jobs that it begins.
    jobs: bool,
    view: View,
    state: &'static str,
    when: String,
    kind_list: String,
    overlap: &'static str,
    misfire: String,
    args: String,
    coming: Vec<Coming>,
    past: Vec<Past>,
    next: Option<String>,
    may: May,
}

/// A time that will come.
struct Coming {
    at: DateTime<Utc>,
    /// On the clocks of the schedule's zone.
    there: String,
}

/// Where the history goes on.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    cursor: Option<String>,
}

/// A schedule with its coming times and what became of those before.
pub async fn show_schedule(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    Query(asked): Query<Asked>,
) -> Answer {
    let view = schedules::get(&ctx, id).await?;
    let window = Window::<(DateTime<Utc>, Uuid)>::of(asked.cursor.as_deref(), None)?;
    let before = window.before.map(|(at, _)| at);
    let ticks = schedules::ticks(&ctx, id, before, window.rows).await?;
    let shown = window.page(ticks, |tick| (tick.due_at, id));
    let past = shown.items.into_iter().map(|tick| {
        let (said, like) = outcome(&tick);
        Past { tick, said, like }
    });
    let coming = schedules::coming(&view, PREVIEW).into_iter();
    let coming = coming.map(|at| Coming { at, there: there(&view.zone, at) }).collect();
    let (misfire, most) = MisfirePolicy::of(view.misfire);
    show(&One {
        page: viewer.page(&view.name),
        jobs: viewer.may_of_all(Permission::JobsRead),
        state: schedules::standing(&view),
        when: when(&view),
        kind_list: link::to("/ops/jobs", &[("kind", &view.kind)]),
        overlap: overlap(view.overlap.into()),
        misfire: missed(misfire, most),
        args: pretty(view.args.get()),
        coming,
        past: past.collect(),
        next: shown.next_cursor,
        may: May::of(&viewer, &ctx, &view),
        view,
    })
}

/// What is said on the clocks of a zone.
fn there(zone: &str, at: DateTime<Utc>) -> String {
    schedules::local(zone, at).map_or_else(String::new, |at| at.format("%a %Y-%m-%d %H:%M:%S %Z").to_string())
}

fn overlap(policy: OverlapPolicy) -> &'static str {
    match policy {
        OverlapPolicy::Skip => "nothing begins",
        OverlapPolicy::BufferOne => "one begins when that has ended",
        OverlapPolicy::Allow => "both run",
        OverlapPolicy::CancelOlder => "the older one is cancelled",
    }
}

fn missed(policy: MisfirePolicy, most: Option<u16>) -> String {
    match (policy, most) {
        (MisfirePolicy::Skip, _) => "they are gone".into(),
        (MisfirePolicy::RunOnce, _) => "one run stands for all of them".into(),
        (MisfirePolicy::CatchUp, Some(most)) => format!("the newest {most} of them run"),
        (MisfirePolicy::CatchUp, None) => "the newest of them run".into(),
    }
}

fn pretty(args: &str) -> String {
    let read: Result<serde_json::Value, _> = serde_json::from_str(args);
    read.map_or_else(|_| args.to_owned(), |args| ui::pretty(&args))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_on_the_clocks_of_its_zone() {
        let at = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        assert_eq!(there("Europe/Berlin", at), "Tue 2023-11-14 23:13:20 CET");
        assert_eq!(there("Nowhere", at), "");
    }
}
