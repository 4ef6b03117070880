//! One lead's way through a sequence.

use askama::Template;
use domain::{
    access::permission::Permission,
    sequences::{
        manage::{self, SequenceView},
        read::{self, EnrolmentDetail},
    },
    types::EnrolmentId,
};

use crate::{
    dashboard::{
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::extract::{Caller, Path},
};

#[derive(Template)]
#[template(path = "sequences/enrolment.html")]
struct Enrolment {
    page: Page,
    short: String,
    sequence: SequenceView,
    detail: EnrolmentDetail,
    leave: bool,
    leads: bool,
    messages: bool,
}

/// An enrolment with the steps that were taken.
pub async fn show_enrolment(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<EnrolmentId>) -> Answer {
    let detail = read::get(&ctx, id).await?;
    let sequence = manage::get(&ctx, detail.enrolment.sequence_id).await?;
    let short = short(id.0);
    show(&Enrolment {
        page: viewer.page(&format!("{} {short}", sequence.name)),
        leave: detail.enrolment.state == "waiting" && viewer.may(Permission::SequencesEnrol),
        leads: viewer.may(Permission::LeadsRead),
        messages: viewer.may(Permission::MessagesRead),
        short,
        sequence,
        detail,
    })
}
