//! A request is taken down.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{AccessRequestView, one, rules, store};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::merged,
    messages::recipient::Recipient,
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::{E164, EmailAddress, LeadId, PrivacyRequestId, SubjectId, UserId},
    vault::{Place, Vault},
};

/// Who asks. One of the four says it.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccessRequest {
    /// Where it was merged into another, that one.
    pub lead_id: Option<LeadId>,
    /// Somebody who works with the product; what is held of them as an agent goes with it.
    pub user_id: Option<UserId>,
    /// In E.164. If a lead has it the request is about that lead, else about what was written to the bare number, what came
    /// from it, and its calls.
    #[schema(value_type = Option<String>)]
    pub phone: Option<E164>,
    /// The same of an address.
    #[schema(value_type = Option<String>)]
    pub email: Option<EmailAddress>,
    /// When the person asked, if it was not now: the month counts from then.
    #[schema(value_type = Option<DateTime<Utc>>)]
    pub received_at: Option<Moment>,
}

/// Whom a request is about.
enum About {
    Lead(LeadId),
    User(UserId),
    /// Nobody has it as a lead: the text and its kind.
    Bare(String, &'static str),
}

/// Takes a request down. It is answered once somebody has said how they know who asks.
///
/// # Errors
/// If the permission is missing, not exactly one of the four is said, there is nobody of that kind, or two leads have the
/// number or address.
pub async fn ask(ctx: &Ctx, new: NewAccessRequest) -> Result<Once<AccessRequestView>> {
    ctx.require(Permission::PrivacyAccess)?;
    ctx.require_all_rows()?;
    let received_at = received(ctx, new.received_at)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let about = about(ctx, tx, new).await?;
    let id = PrivacyRequestId(ctx.id());
    let subject = match &about {
        About::Lead(lead) => SubjectId(lead.0),
        About::User(user) => SubjectId(user.0),
        About::Bare(..) => SubjectId(id.0),
    };
    let sealed = match &about {
        About::Bare(text, kind) => {
            let keys = Vault::make_subjects(tx, &[subject]).await?;
            let place = to_place(ctx.tenant, id);
            Some((keys.seal(&ctx.platform, subject, &place, text)?, *kind))
        }
        About::Lead(_) | About::User(_) => None,
    };
    let to_index = match &about {
        About::Bare(text, kind) => Some(index_of(ctx, tx, text, kind).await?),
        About::Lead(_) | About::User(_) => None,
    };
    let row = store::NewRequest {
        id,
        subject,
        lead: if let About::Lead(lead) = about { Some(lead) } else { None },
        user: if let About::User(user) = about { Some(user) } else { None },
        to: sealed.as_ref().map(|(sealed, kind)| (sealed.as_slice(), *kind)),
        to_index: to_index.as_deref(),
        received_at,
        due_at: rules::due(received_at),
    };
    store::insert(tx.conn(), ctx.tenant, &row, ctx.actor.id()).await?;
    store::note(tx.conn(), ctx.tenant, (ctx.id(), id), ctx.actor, "asked").await?;
    let detail = json!({ "kind": "access", "lead_id": row.lead, "user_id": row.user, "due_at": row.due_at });
    tx.audit(&[Entry::new("create", "privacy_request", id).detail(detail).notice()]).await?;
    let told = json!({ "kind": "access", "due_at": row.due_at });
    tx.emit(&[Event::new(EventType::SubjectRequestAsked, "subject_request", id).with(told)]).await?;
    let view = one(tx, id).await?;
    keyed.commit(view, 201, format!("/api/v1/compliance/gdpr/access/{id}")).await
}

/// When somebody asked: now, or as it is said.
///
/// # Errors
/// If that is yet to come.
pub(in crate::privacy) fn received(ctx: &Ctx, said: Option<Moment>) -> Result<DateTime<Utc>> {
    let now = ctx.now();
    let received_at = said.map_or(now, Moment::utc);
    // Clocks of two machines differ a little.
    if received_at > now + TimeDelta::minutes(5) {
        return Err(Error::invalid("/received_at", "this is yet to come; say when the person asked"));
    }
    Ok(received_at)
}

async fn index_of(ctx: &Ctx, tx: &mut TenantTx, text: &str, kind: &str) -> Result<Vec<u8>> {
    let to = if kind == "phone" {
        text.parse::<E164>().map(Recipient::Phone).map_err(Error::internal)?
    } else {
        text.parse::<EmailAddress>().map(Recipient::Email).map_err(Error::internal)?
    };
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    Ok(to.index(&keys))
}

/// Where the number or address lies by which somebody without a lead is known.
pub(in crate::privacy) fn to_place(tenant: crate::types::TenantId, id: PrivacyRequestId) -> Place {
    Place { tenant, table: "privacy_requests", column: "to_sealed", row: id.0 }
}

async fn about(ctx: &Ctx, tx: &mut TenantTx, new: NewAccessRequest) -> Result<About> {
    let bare = match (new.lead_id, new.user_id, new.phone, new.email) {
        (Some(lead), None, None, None) => {
            let lead = merged::hold(tx, lead, ctx.rows).await?;
            return lead.map(About::Lead).ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"));
        }
        (None, Some(user), None, None) => {
            if !store::is_user(tx.conn(), ctx.tenant, user).await? {
                return Err(Error::invalid("/user_id", "there is no such user"));
            }
            return Ok(About::User(user));
        }
        (None, None, Some(phone), None) => (phone.as_str().to_owned(), "phone"),
        (None, None, None, Some(email)) => (email.as_str().to_owned(), "email"),
        _ => {
            return Err(Error::invalid(
                "",
                "name one of lead_id, user_id, phone and email, and no second one",
            ));
        }
    };
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let (phone, email) = if bare.1 == "phone" {
        (Some(keys.index("leads.phone", &bare.0)), None)
    } else {
        let normal = bare.0.parse::<EmailAddress>().map(|email| email.normal()).unwrap_or_default();
        (None, Some(keys.index("leads.email", &normal)))
    };
    match store::leads_of(tx.conn(), ctx.tenant, phone.as_deref(), email.as_deref()).await?.as_slice() {
        [] => Ok(About::Bare(bare.0, bare.1)),
        [lead] => Ok(About::Lead(*lead)),
        _ => Err(Error::invalid(
            format!("/{}", bare.1),
            "several leads have this; find out who asks, and name their lead_id, or merge them if they are one",
        )),
    }
}
