//! Somebody wants to be forgotten.

use askama::Template;
use axum::{extract::State as Shares, response::Response};
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    privacy::erasure::{self, ErasureView, Identified, State},
    types::ErasureId,
};
use uuid::Uuid;

use super::words::{erasure_like, left};
use crate::{
    dashboard::{
        asked,
        forms::{Fields, done},
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        Shared,
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// A step of its course: what has been, what is, and what is to come.
struct Step {
    at: Option<DateTime<Utc>>,
    state: &'static str,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "privacy/erasure.html")]
#[expect(clippy::struct_excessive_bools, reason = "what may be done does not depend on each other")]
struct One {
    page: Page,
    erasure: ErasureView,
    short: String,
    like: &'static str,
    left: Option<String>,
    overdue: bool,
    steps: Vec<Step>,
    run: Option<String>,
    moves: bool,
    identify: bool,
    withdraw: Option<ui::Confirm>,
    certificate: bool,
}

/// A request with how far it is, and what keeps it from beginning.
pub async fn show_erasure(
    Shares(app): Shared,
    viewer: Viewer,
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
) -> Answer {
    let erasure = erasure::get(&ctx, ErasureId(id)).await?;
    let now = app.platform.clock.now();
    let may = viewer.may(Permission::PrivacyErase);
    let waits = matches!(erasure.state, State::Identity | State::Cooling | State::Held);
    let over = matches!(erasure.state, State::Done | State::Withdrawn);
    let withdraw = (may && waits).then(|| ui::Confirm {
        action: format!("/ops/privacy/erasures/{id}/withdraw"),
        csrf: viewer.csrf().to_owned(),
        name: short(id),
        warning: "The request ends, and nothing is erased. Whoever wants it after all asks anew.".into(),
        verb: "Withdraw".into(),
        fields: Vec::new(),
    });
    let run = erasure.run_id.filter(|_| viewer.may(Permission::WorkflowsRead));
    show(&One {
        page: viewer.page(&format!("Erasure {}", short(id))),
        short: short(id),
        like: erasure_like(erasure.state),
        left: (!over).then(|| left(&erasure.due_at, now)),
        overdue: !over && erasure.due_at < now,
        steps: course(&erasure),
        run: run.map(|run| format!("/ops/workflows/{run}")),
        moves: erasure.state == State::Running,
        identify: may && erasure.state == State::Identity,
        certificate: erasure.state == State::Done,
        withdraw,
        erasure,
    })
}

/// Says how it is known who asks. The days begin in which it may be withdrawn; after them nothing brings the person back.
pub async fn identify(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    let identified = Identified { identity: asked::needed(&fields, "identity")? };
    erasure::confirm(&ctx, ErasureId(id), &identified).await?;
    Ok(done(
        &format!("/ops/privacy/erasures/{id}"),
        "It is known who asks. It may still be withdrawn, and begins by itself.",
    ))
}

/// Withdraws it, as long as it is not carried out.
pub async fn withdraw(
    Caller(ctx): Caller,
    Path(id): Path<Uuid>,
    fields: Fields,
) -> Result<Response, Problem> {
    fields.confirms(&short(id))?;
    erasure::withdraw(&ctx, ErasureId(id)).await?;
    Ok(done(&format!("/ops/privacy/erasures/{id}"), "It is withdrawn; nothing was erased."))
}

/// What was done about it and what is to come, in order.
fn course(erasure: &ErasureView) -> Vec<Step> {
    let step = |at, state, what| Step { at, state, what };
    let asked = if erasure.cause == "retention" { "its age asks for it" } else { "the person asked" };
    let mut steps = vec![step(Some(erasure.asked_at), "done", asked)];
    match erasure.identity_at {
        Some(at) => steps.push(step(Some(at), "done", "it is known who asks")),
        None if erasure.state == State::Identity => {
            steps.push(step(None, "waiting", "somebody has to say how they know who asks"));
        }
        None => {}
    }
    let begins = erasure.not_before;
    match erasure.state {
        State::Identity => {}
        State::Cooling => {
            steps.push(step(begins, "waiting", "it begins by itself, until then it may be withdrawn"));
        }
        State::Held => steps.push(step(begins, "held", "a legal hold keeps it from beginning")),
        State::Withdrawn => steps.push(step(erasure.withdrawn_at, "cancelled", "it was withdrawn")),
        State::Running | State::Done => {
            steps.push(step(erasure.begun_at, "done", "it began, and cannot be taken back"));
            if erasure.state == State::Running {
                steps.push(step(None, "running", "the person is being forgotten"));
            } else {
                steps.push(step(
                    erasure.finished_at,
                    "done",
                    "the person is forgotten; there is a certificate",
                ));
            }
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use domain::types::{LeadId, SubjectId};

    use super::*;

    fn erasure(state: State) -> ErasureView {
        let at = DateTime::from_timestamp(1_700_000_000, 0).expect("a time");
        let known = state != State::Identity;
        let begun = matches!(state, State::Running | State::Done);
        ErasureView {
            id: ErasureId(Uuid::nil()),
            lead_id: Some(LeadId(Uuid::nil())),
            subject_id: SubjectId(Uuid::nil()),
            cause: "asked".into(),
            state,
            asked_by: None,
            asked_at: at,
            due_at: at,
            identity: known.then(|| "called back".into()),
            identity_at: known.then_some(at),
            not_before: known.then_some(at),
            held_by: Vec::new(),
            run_id: None,
            begun_at: begun.then_some(at),
            withdrawn_at: (state == State::Withdrawn).then_some(at),
            finished_at: (state == State::Done).then_some(at),
        }
    }

    #[test]
    fn the_course_ends_where_the_request_is() {
        for (state, wanted) in [
            (State::Identity, &["done", "waiting"][..]),
            (State::Cooling, &["done", "done", "waiting"]),
            (State::Held, &["done", "done", "held"]),
            (State::Running, &["done", "done", "done", "running"]),
            (State::Done, &["done", "done", "done", "done"]),
            (State::Withdrawn, &["done", "done", "cancelled"]),
        ] {
            let states: Vec<&str> = course(&erasure(state)).iter().map(|step| step.state).collect();
            assert_eq!(states, wanted, "{state:?}");
        }
    }
}
