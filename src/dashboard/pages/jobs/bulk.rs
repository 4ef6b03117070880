//! An action on many jobs: first what it would touch, then done by an operation whose progress is shown.

use askama::Template;
use axum::response::{IntoResponse, Redirect, Response};
use domain::{Ctx, jobs::bulk};
use engine::{
    jobs::{Filter, JobView},
    operate::Action,
};
use uuid::Uuid;

use super::asked::Asked;
use crate::{
    dashboard::{
        forms::{Fields, done},
        guard::PATIENCE,
        page::{Answer, Page, show},
        ui,
        viewer::Viewer,
    },
    http::{extract::Caller, problem::Problem},
};

/// Jobs that can be selected one by one; a page shows no more.
const SELECTED: usize = 200;

#[derive(Template)]
#[template(path = "jobs/bulk.html")]
struct Bulk {
    page: Page,
    verb: &'static str,
    consequence: &'static str,
    count: String,
    filter: Option<String>,
    sample: Vec<JobView>,
    left: i64,
    none: bool,
    back: String,
    destroys: Option<ui::Confirm>,
    fields: Vec<(String, String)>,
}

/// What an action on some jobs, or on all that fit, would touch.
pub async fn preview(viewer: Viewer, Caller(ctx): Caller, fields: Fields) -> Answer {
    let (action, filter, words) = meant(&fields)?;
    // It is sent as a form and only looks, as a page does.
    let looks = Ctx { patience: Some(PATIENCE), ..ctx };
    let preview = bulk::preview(&looks, &filter).await?;
    let verb = action.verb();
    let matched = i64::try_from(preview.matched).unwrap_or(i64::MAX);
    let count = match (preview.more, matched) {
        (true, 0) => "nobody knows how many".to_owned(),
        (true, _) => format!("more than {}", ui::count(&matched)),
        (false, _) => ui::count(&matched),
    };
    let mut again = vec![("action".to_owned(), verb.to_owned()), ("words".to_owned(), words.clone())];
    again.extend(filter.ids.iter().map(|id| ("id".to_owned(), id.to_string())));
    if filter.ids.is_empty() {
        again.push(("all".to_owned(), "1".to_owned()));
        again.extend(ends(&fields));
        // What comes while somebody looks is not touched.
        again.extend(preview.sample.first().map(|newest| ("upto".to_owned(), newest.id.to_string())));
    }
    let consequence = match action {
        Action::Cancel => {
            "Those that wait end at once; those that run are told to stop. Ended ones stay as they are."
        }
        Action::Retry => {
            "Those that wait become due now; those that ended badly run once more. All others stay as they are."
        }
        Action::Discard => {
            "Those that wait are given up and kept as dead letters. All others stay as they are."
        }
    };
    let destroys = (action != Action::Retry).then(|| ui::Confirm {
        action: "/ops/jobs/bulk/run".into(),
        csrf: viewer.csrf().to_owned(),
        name: verb.to_owned(),
        warning: consequence.to_owned(),
        verb: format!("{} them", capital(verb)),
        fields: again.clone(),
    });
    let shown = i64::try_from(preview.sample.len()).unwrap_or_default();
    show(&Bulk {
        page: viewer.page(&format!("{} jobs", capital(verb))),
        verb,
        consequence,
        count,
        filter: filter.ids.is_empty().then(|| words.clone()),
        left: matched - shown,
        none: matched == 0 && !preview.more,
        sample: preview.sample,
        back: Asked::default().read(&words).map(|asked| asked.address()).unwrap_or_default(),
        destroys,
        fields: again,
    })
}

/// Has it done, by an operation that is shown next.
pub async fn run(Caller(ctx): Caller, fields: Fields) -> Result<Response, Problem> {
    let (action, filter, _) = meant(&fields)?;
    if action != Action::Retry {
        fields.confirms(action.verb())?;
    }
    let once = bulk::act(&ctx, action, filter).await?;
    let id = Uuid::try_parse(once.answer.id()).ok();
    let Some(id) = id else { return Ok(Redirect::to("/ops/jobs").into_response()) };
    Ok(done(
        &format!("/ops/jobs/{id}"),
        "It is being done by this job; its output says how many it has changed.",
    ))
}

/// The action and the jobs that a form is about, and the words of its filter.
fn meant(fields: &Fields) -> Result<(Action, Filter, String), Problem> {
    let action = match fields.text("action") {
        Some("cancel") => Action::Cancel,
        Some("retry") => Action::Retry,
        Some("discard") => Action::Discard,
        _ => return Err(Problem::field("/action", "cancel, retry or discard")),
    };
    let words = fields.text("words").unwrap_or_default().to_owned();
    if fields.text("all").is_some() {
        let asked = Asked::default().read(&words).map_err(|said| Problem::field("/words", said))?;
        let own = |name: &str| fields.text(name).map(ToOwned::to_owned);
        let asked = Asked { from: own("from"), until: own("until"), ..asked };
        let upto = fields.text("upto").and_then(|id| Uuid::try_parse(id).ok());
        return Ok((action, Filter { upto, ..asked.filter()? }, words));
    }
    let ids: Vec<Uuid> = fields.all("id").filter_map(|id| Uuid::try_parse(id).ok()).take(SELECTED).collect();
    if ids.is_empty() {
        return Err(Problem::field("/id", "select jobs first, or all that fit the filter"));
    }
    Ok((action, Filter { ids, ..Filter::default() }, words))
}

fn ends(fields: &Fields) -> impl Iterator<Item = (String, String)> {
    ["from", "until"].into_iter().filter_map(|name| Some((name.to_owned(), fields.text(name)?.to_owned())))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
