//! One message.

use askama::Template;
use axum::response::Response;
use chrono::{DateTime, Utc};
use domain::{
    access::permission::Permission,
    messages::{
        cancel, outbox,
        read::{self, AttemptView, CallbackView, MessageView},
        reconcile::{self, Resolution},
        rules::{FailureKind, Status},
    },
    types::MessageId,
};
use uuid::Uuid;

use super::Accounts;
use crate::{
    dashboard::{
        forms::{Fields, done},
        link,
        page::{Answer, Page, show},
        ui,
        ui::short,
        viewer::Viewer,
    },
    http::{
        extract::{Caller, Path},
        problem::Problem,
    },
};

/// Something that happened to a message.
struct Step {
    at: DateTime<Utc>,
    state: &'static str,
    what: String,
    account: String,
    took: String,
    code: Option<String>,
    text: Option<String>,
}

#[derive(Template)]
#[template(path = "messages/one.html")]
struct One {
    page: Page,
    message: MessageView,
    short: String,
    to: Option<String>,
    account: Option<(String, String)>,
    template_list: String,
    lead: Option<String>,
    job: Option<String>,
    batch: Option<String>,
    failure: &'static str,
    steps: Vec<Step>,
    delivery: Option<String>,
    cancel: bool,
    settle: bool,
    settled: bool,
}

/// A message with its attempts and what its providers told of it.
pub async fn show_message(viewer: Viewer, Caller(ctx): Caller, Path(id): Path<Uuid>) -> Answer {
    let (message, attempts, told) = read::get(&ctx, MessageId(id)).await?;
    let accounts = Accounts::of(&ctx).await?;
    let delivery =
        if viewer.may(Permission::DeliveriesRead) { outbox::find(&ctx, message.id).await? } else { None };
    let list = |field: &str, id: String| link::to("/ops/messages", &[(field, &id)]);
    let steps = course(&message, attempts, told, &accounts);
    let may = |permission| viewer.may(permission);
    let job = message.job_id.filter(|_| may(Permission::JobsRead));
    let lead = message.lead_id.filter(|_| may(Permission::LeadsRead));
    show(&One {
        page: viewer.page(&format!("Message {}", short(id))),
        short: short(id),
        to: message.to.as_ref().map(|to| to.expose().clone()),
        account: message.provider_id.map(|id| (accounts.name(id.0), list("provider", id.to_string()))),
        template_list: list("template", message.template_id.to_string()),
        lead: lead.map(|lead| format!("/ops/leads/{lead}")),
        job: job.map(|job| format!("/ops/jobs/{job}")),
        batch: message.batch_id.map(|batch| list("batch", batch.to_string())),
        failure: message.failure.map_or("", why),
        delivery: delivery.map(|_| link::to("/ops/outbox", &[("message", &id.to_string())])),
        cancel: matches!(message.status, Status::Pending | Status::Queued) && may(Permission::MessagesCancel),
        settle: message.status == Status::Unknown && may(Permission::MessagesSettle),
        settled: message.status.is_settled(),
        steps,
        message,
    })
}

/// Takes it back if it waits.
pub async fn cancel(Caller(ctx): Caller, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    cancel::cancel(&ctx, MessageId(id)).await?;
    Ok(done(&format!("/ops/messages/{id}"), "The message is cancelled."))
}

/// Says what became of one of unknown fate.
pub async fn settle(Caller(ctx): Caller, Path(id): Path<Uuid>, fields: Fields) -> Result<Response, Problem> {
    let (resolution, said) = match fields.text("outcome") {
        Some("sent") => (Resolution::Sent {}, "The message counts as sent."),
        Some("resend") => (Resolution::NotSent { resend: true }, "The message is sent again."),
        Some("failed") => (Resolution::NotSent { resend: false }, "The message counts as failed."),
        _ => return Err(Problem::field("/outcome", "sent, resend or failed")),
    };
    reconcile::resolve(&ctx, MessageId(id), resolution).await?;
    Ok(done(&format!("/ops/messages/{id}"), said))
}

/// What a kind of failure means.
fn why(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Permanent => "this recipient or this content, for good",
        FailureKind::Transient => "it was tried as often as it may be",
        FailureKind::Account => "the account at the provider",
        FailureKind::Ambiguous => "nobody knows whether it was sent",
        FailureKind::Gate => "it was not let out: consent, suppression, a cap, or its template",
    }
}

/// What has happened to a message, in order.
fn course(
    message: &MessageView,
    attempts: Vec<AttemptView>,
    told: Vec<CallbackView>,
    accounts: &Accounts,
) -> Vec<Step> {
    let step = |at, state: &'static str, what: String| Step {
        at,
        state,
        what,
        account: String::new(),
        took: String::new(),
        code: None,
        text: None,
    };
    let mut steps = vec![step(message.created_at, "queued", "was accepted by us".into())];
    for attempt in attempts {
        let (state, what) = match (attempt.outcome.as_deref(), attempt.ended_at) {
            (Some("sent"), _) => ("sent", "was taken by the provider"),
            (Some("queued" | "pending"), _) => ("retrying", "came to nothing; it waits for another"),
            (Some("unknown"), _) => ("unknown", "had no answer: it may have been sent"),
            (Some("suppressed"), _) => ("suppressed", "was not let out"),
            (Some("cancelled"), _) => ("cancelled", "was stopped"),
            (Some("bounced"), _) => ("bounced", "came back"),
            (Some(_), _) => ("failed", "failed"),
            (None, Some(_)) => ("unknown", "ended"),
            (None, None) => ("sending", "is being made"),
        };
        let took = attempt.ended_at.map(|ended| ui::duration(&attempt.started_at, &ended));
        steps.push(Step {
            account: accounts.name(attempt.provider_id.0),
            took: took.unwrap_or_default(),
            code: attempt.code,
            text: attempt.text,
            ..step(attempt.started_at, state, format!("attempt {} {what}", attempt.fence))
        });
    }
    for one in told {
        let counted = if one.counted { "" } else { "; it came late and changes nothing" };
        let what = format!("the provider told: {}{counted}", one.status.as_str());
        let happened = one.happened_at.map(|at| format!("happened {}", at.format("%Y-%m-%d %H:%M:%S UTC")));
        steps.push(Step {
            account: accounts.name(one.provider_id.0),
            code: one.code,
            text: happened,
            ..step(one.received_at, one.status.as_str(), what)
        });
    }
    steps.sort_by_key(|step| step.at);
    let now = message.status.as_str();
    // What people or the product itself decided is in no attempt.
    if steps.last().is_none_or(|last| last.state != now) {
        steps.push(Step {
            code: message.error_code.clone(),
            ..step(message.updated_at, now, format!("is {now}"))
        });
    }
    steps
}

#[cfg(test)]
mod tests {
    use domain::{
        messages::{provider::Channel, rules::Purpose},
        types::{ProviderId, TemplateId},
    };

    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).expect("a time")
    }

    fn message(status: Status) -> MessageView {
        MessageView {
            id: MessageId(Uuid::nil()),
            status,
            channel: Channel::Sms,
            purpose: Purpose::Transactional,
            lead_id: None,
            provider_id: None,
            template_id: TemplateId(Uuid::nil()),
            job_id: None,
            batch_id: None,
            to: None,
            attempts: 1,
            failure: None,
            error_code: None,
            error_text: None,
            provider_message_id: None,
            send_at: None,
            expires_at: None,
            created_at: at(0),
            updated_at: at(60),
            sent_at: None,
        }
    }

    #[test]
    fn a_course_is_in_order_and_ends_where_the_message_is() {
        let attempt = |fence, started, outcome: &str| AttemptView {
            fence,
            provider_id: ProviderId(Uuid::nil()),
            started_at: at(started),
            ended_at: Some(at(started + 1)),
            outcome: Some(outcome.into()),
            code: None,
            text: None,
        };
        let told = CallbackView {
            received_at: at(20),
            happened_at: None,
            provider_id: ProviderId(Uuid::nil()),
            status: Status::Delivered,
            failure: None,
            code: None,
            counted: true,
        };
        let attempts = vec![attempt(2, 10, "sent"), attempt(1, 5, "queued")];
        let states = |message: &MessageView, attempts, told| {
            let steps = course(message, attempts, told, &Accounts::default());
            steps.into_iter().map(|step| step.state).collect::<Vec<_>>()
        };
        let delivered = message(Status::Delivered);
        assert_eq!(states(&delivered, attempts, vec![told]), ["queued", "retrying", "sent", "delivered"]);
        assert_eq!(states(&message(Status::Cancelled), Vec::new(), Vec::new()), ["queued", "cancelled"]);
    }
}
