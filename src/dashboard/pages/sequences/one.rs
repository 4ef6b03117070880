//! One sequence: how it goes, who is on their way and what became of the others.

use askama::Template;
use axum::response::Response;
use domain::{
    access::permission::Permission,
    sequences::{
        leave as leaving,
        manage::{self, SequenceView},
        publish,
        read::{self, EnrolmentFilter, EnrolmentState, EnrolmentView, SequenceProgress},
    },
    types::{EnrolmentId, SequenceId},
};
use serde::Deserialize;

use crate::{
    dashboard::{
        forms::{Fields, done},
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

const STATES: [(&str, EnrolmentState); 4] = [
    ("waiting", EnrolmentState::Waiting),
    ("completed", EnrolmentState::Completed),
    ("goal", EnrolmentState::Goal),
    ("left", EnrolmentState::Left),
];

/// The parameters of the address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    state: Option<String>,
    cursor: Option<String>,
}

/// A step of a version, from 1 on as people count.
struct Step {
    version: i32,
    number: i16,
    waiting: i64,
    sent: i64,
    skipped: i64,
    because: String,
}

#[derive(Template)]
#[template(path = "sequences/one.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    sequence: SequenceView,
    pause_why: Option<&'static str>,
    progress: SequenceProgress,
    /// What became of those who entered: a word, how many, and their list.
    ways: Vec<(&'static str, i64, String)>,
    reasons: String,
    steps: Vec<Step>,
    rail: Vec<Facet>,
    enrolments: Vec<EnrolmentView>,
    next: Option<String>,
    filtered: bool,
    pause: bool,
    resume: bool,
    leave: bool,
    leads: bool,
    archive: Option<ui::Confirm>,
}

/// A sequence.
pub async fn show_sequence(
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
    Query(asked): Query<Asked>,
) -> Answer {
    let named = asked.state.as_deref().filter(|state| !state.is_empty());
    let state = match named {
        None => None,
        Some(named) => {
            let found = STATES.iter().find(|(word, _)| *word == named).map(|(_, state)| *state);
            Some(found.ok_or_else(|| Problem::field("?state", "one of waiting, completed, goal, left"))?)
        }
    };
    let sequence = manage::get(&ctx, id).await?;
    let progress = read::progress(&ctx, id).await?;
    let window = Window::of(asked.cursor.as_deref(), None)?;
    let filter = EnrolmentFilter { sequence: Some(id), lead: None, state };
    let rows = read::list(&ctx, &filter, window.before.map(EnrolmentId), window.rows).await?;
    let shown = window.page(rows, |enrolment| enrolment.id.0);
    let path = format!("/ops/sequences/{id}");
    let here = link::to(&path, &[("state", named.unwrap_or_default())]);
    let counts = [progress.waiting, progress.completed, progress.goal, progress.left];
    let states = STATES.map(|(word, _)| word);
    let counted = |value: &ui::FacetValue| {
        states.iter().zip(counts).find(|(state, _)| **state == value.value).map_or(0, |(_, count)| count)
    };
    let facet = Facet::of_states("State", &here, "state", states, named).counting(counted);
    let ways = STATES.into_iter().zip(counts);
    let publish = viewer.may(Permission::SequencesPublish);
    let archive = (publish && matches!(sequence.state.as_str(), "active" | "paused")).then(|| ui::Confirm {
        action: format!("{path}/archive"),
        csrf: viewer.csrf().to_owned(),
        name: sequence.name.clone(),
        warning: "It ends for good: nobody enters any more, and all leads that are on their way leave."
            .into(),
        verb: "Archive the sequence".into(),
        fields: Vec::new(),
    });
    show(&One {
        page: viewer.page(&sequence.name),
        pause_why: sequence.pause_code.as_deref().and_then(pause_why),
        ways: ways.map(|((word, _), count)| (word, count, link::to(&path, &[("state", word)]))).collect(),
        reasons: reasons(&progress.reasons),
        steps: steps(&progress),
        rail: vec![facet],
        enrolments: shown.items,
        next: shown.next_cursor,
        filtered: state.is_some(),
        pause: publish && sequence.state == "active",
        resume: publish && sequence.state == "paused",
        leave: viewer.may(Permission::SequencesEnrol),
        leads: viewer.may(Permission::LeadsRead),
        archive,
        sequence,
        progress,
    })
}

fn steps(progress: &SequenceProgress) -> Vec<Step> {
    let step = |one: &read::StepProgress| Step {
        version: one.version,
        number: one.step + 1,
        waiting: one.waiting,
        sent: one.sent,
        skipped: one.skipped,
        because: reasons(&one.skipped_because),
    };
    progress.steps.iter().map(step).collect()
}

fn reasons(counts: &std::collections::BTreeMap<String, i64>) -> String {
    let one = |(why, count): (&String, &i64)| format!("{} {}", why.replace('_', " "), ui::count(count));
    counts.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Why the product has paused it, and what to do.
fn pause_why(code: &str) -> Option<&'static str> {
    match code {
        "no_account" => Some(
            "no account carries the channel of a step that leads have come to; set one up, then resume it",
        ),
        "restored" => Some(
            "the database was restored, and its steps may have been taken since then; ask who has got what, then resume it",
        ),
        _ => None,
    }
}

/// Takes no more steps until it is resumed.
pub async fn pause(Caller(ctx): Caller, Path(id): Path<SequenceId>) -> Result<Response, Problem> {
    publish::pause(&ctx, id).await?;
    Ok(done(&format!("/ops/sequences/{id}"), "The sequence is paused."))
}

/// Goes on.
pub async fn resume(Caller(ctx): Caller, Path(id): Path<SequenceId>) -> Result<Response, Problem> {
    publish::resume(&ctx, id).await?;
    Ok(done(&format!("/ops/sequences/{id}"), "The sequence goes on."))
}

/// Ends it for good, once its name was typed.
pub async fn archive(
    Caller(ctx): Caller,
    Path(id): Path<SequenceId>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&manage::get(&ctx, id).await?.name)?;
    publish::archive(&ctx, id).await?;
    Ok(done(&format!("/ops/sequences/{id}"), "The sequence is archived."))
}

/// Has a lead leave.
pub async fn leave(Caller(ctx): Caller, Path(id): Path<EnrolmentId>) -> Result<Response, Problem> {
    let enrolment = leaving::one(&ctx, id).await?;
    Ok(done(&format!("/ops/sequences/{}", enrolment.sequence_id), "The lead has left the sequence."))
}
