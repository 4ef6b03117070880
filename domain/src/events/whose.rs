//! Whose lead an event is about, written into it in the transaction in which it happens: by that it is heard, now and when
//! it is replayed, also after the lead has gone to somebody else.

use std::borrow::Cow;

use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Event, store};
use crate::{error::Result, types::TenantId};

/// The events, each about a lead or a message to one with the `owner_id` and `team_id` of that lead. What says one of
/// them itself stays as it is; so does what is about a lead that is gone: tell of that before it goes.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn said<'e>(
    conn: &mut PgConnection,
    tenant: TenantId,
    events: &'e [Event],
) -> Result<Cow<'e, [Event]>> {
    let all =
        |resource: &str| -> Vec<Uuid> { events.iter().filter_map(|event| unsaid(event, resource)).collect() };
    let (leads, messages) = (all("lead"), all("message"));
    if leads.is_empty() && messages.is_empty() {
        return Ok(Cow::Borrowed(events));
    }
    let whose = store::whose(conn, tenant, &leads, &messages).await?;
    let say = |event: &Event| {
        let mut event = event.clone();
        let about = unsaid(&event, "lead").or_else(|| unsaid(&event, "message"));
        let found = about.and_then(|id| whose.get(&id).copied());
        if let (Some((owner, team)), Some(body)) = (found, event.body.as_object_mut()) {
            body.insert("owner_id".to_owned(), json!(owner));
            body.insert("team_id".to_owned(), json!(team));
        }
        event
    };
    Ok(Cow::Owned(events.iter().map(say).collect()))
}

/// The id of what an event is about, if that is such a thing and the event does not say whose it is.
fn unsaid(event: &Event, resource: &str) -> Option<Uuid> {
    let says = |field: &str| event.body.get(field).is_some();
    let (kind, id) = event.subject.split_once(':')?;
    if kind != resource || says("owner_id") || says("team_id") {
        return None;
    }
    Uuid::try_parse(id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventType;

    #[test]
    fn what_an_event_says_itself_is_not_looked_up() {
        let id = Uuid::from_u128(7);
        let event = |resource: &str| Event::new(EventType::LeadUpdated, resource, id);
        assert_eq!(unsaid(&event("lead"), "lead"), Some(id));
        assert_eq!(unsaid(&event("message"), "lead"), None);
        assert_eq!(unsaid(&event("lead").with(json!({ "score": 7 })), "lead"), Some(id));
        for body in [json!({ "team_id": id }), json!({ "owner_id": null })] {
            assert_eq!(unsaid(&event("lead").with(body), "lead"), None);
        }
    }
}
