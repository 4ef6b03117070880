//! What a person says of a message of unknown fate.

use serde::Deserialize;
use serde_json::json;

use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::activities,
    messages::{
        attempt,
        rules::{FailureKind, Status},
        store::{self, Concluded},
    },
    types::MessageId,
};

/// The code of what a person has said.
const BY_HAND: &str = "by_hand";

/// What a person has found out about a message of unknown fate.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(tag = "outcome", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = MessageResolution)]
pub enum Resolution {
    /// The provider has it.
    Sent {},
    /// The provider does not have it.
    NotSent {
        /// Send it now; else it has failed.
        resend: bool,
    },
}

/// Says what became of a message of unknown fate.
///
/// # Errors
/// A conflict if its fate is known, or if there is no such message.
pub async fn resolve(ctx: &Ctx, id: MessageId, resolution: Resolution) -> Result<()> {
    ctx.require(Permission::MessagesSettle)?;
    let mut tx = ctx.begin().await?;
    let held =
        store::hold_message(tx.conn(), ctx.tenant, id, ctx.rows).await?.ok_or(Error::NotFound("message"))?;
    if held.status != Status::Unknown {
        let detail =
            format!("the message is {}; only one of unknown fate can be resolved", held.status.as_str());
        return Err(Error::conflict("fate-known", detail));
    }
    let (status, kind, failure) = match resolution {
        Resolution::Sent {} => (Status::Sent, EventType::MessageSent, None),
        Resolution::NotSent { resend: true } => (Status::Queued, EventType::MessageRetrying, None),
        Resolution::NotSent { resend: false } => {
            (Status::Failed, EventType::MessageFailed, Some(FailureKind::Ambiguous))
        }
    };
    let code = failure.is_some().then(|| BY_HAND.to_owned());
    // Whoever has it sent again does not mean once.
    let concluded = Concluded { status, provider_message_id: None, failure, code, rounds: 0 };
    store::conclude(tx.conn(), ctx.tenant, id, held.fence, &concluded).await?;
    if status != Status::Sent {
        store::clear_doubts(tx.conn(), ctx.tenant, id, BY_HAND).await?;
    }
    tx.audit(&[Entry::new("resolve", "message", id).detail(json!({ "status": status }))]).await?;
    let body = json!({ "attempt": held.fence, "code": BY_HAND });
    tx.emit(&[Event::new(kind, "message", id).with(body)]).await?;
    if status == Status::Sent {
        activities::messages_sent(&mut tx, &[id]).await?;
    }
    if status == Status::Queued {
        store::leave_run(tx.conn(), ctx.tenant, id).await?;
        // After a restore, one that no account had by the books may be of unknown fate, too.
        attempt::hand_on(&mut tx, vec![(id, attempt::again(ctx, id, held.provider)?)]).await?;
    }
    tx.commit().await
}
