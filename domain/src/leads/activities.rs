//! What was done with a lead, in the order of time: by its people, and by the product itself.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    lead::{Status, subject},
    store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    moment::Moment,
    tenancy::{Begun, Once, TenantTx},
    types::{ActivityId, LeadId, MessageId, TenantId},
    vault::{Personal, Place, Vault, personal::reveal},
    words::words,
};

words! {
    /// What was done. `message`, `status` and `merge` are written down by the product itself.
    ActivityKind {
        Note = "note",
        Call = "call",
        Email = "email",
        Chat = "chat",
        Meeting = "meeting",
        Message = "message",
        Status = "status",
        Merge = "merge",
    }
}

impl ActivityKind {
    /// Whether people write it down.
    #[must_use]
    pub fn is_by_hand(self) -> bool {
        !matches!(self, Self::Message | Self::Status | Self::Merge)
    }

    /// Whether scores count it. A change of status or a merge is no dealing with the person, and a model that is
    /// learned from outcomes would find the outcome in it.
    #[must_use]
    pub fn engages(self) -> bool {
        !matches!(self, Self::Status | Self::Merge)
    }
}

/// The most characters of a note.
const LONGEST_NOTE: usize = 4_000;

/// Something that was done with a lead.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewActivity {
    /// `note`, `call`, `email`, `chat` or `meeting`.
    pub kind: ActivityKind,
    /// When it was; now if not said.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Moment>,
    /// In your own words, at most 4,000 characters. Sealed like the lead's name.
    pub note: Option<String>,
}

/// Something that was done with a lead, as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ActivityView {
    pub id: ActivityId,
    pub lead_id: LeadId,
    pub kind: String,
    pub at: DateTime<Utc>,
    /// `user`, `api_key`, `operator` or `system`.
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    /// What it came of, for example `message`.
    pub ref_kind: Option<String>,
    pub ref_id: Option<Uuid>,
    /// What the lead became, where its status changed.
    pub status: Option<String>,
    /// None for whoever may not see personal data.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub note: Option<Personal<String>>,
}

/// What is to be written down of a lead.
pub(crate) struct Activity {
    kind: ActivityKind,
    at: Option<DateTime<Utc>>,
    about: Option<(&'static str, Uuid)>,
    note: Option<String>,
}

impl Activity {
    /// One of a kind, now.
    pub(crate) fn of(kind: ActivityKind) -> Self {
        Self { kind, at: None, about: None, note: None }
    }

    /// It came of this.
    pub(crate) fn about(self, kind: &'static str, id: Uuid) -> Self {
        Self { about: Some((kind, id)), ..self }
    }

    /// It was then.
    pub(crate) fn then(self, at: DateTime<Utc>) -> Self {
        Self { at: Some(at), ..self }
    }

    /// In words.
    pub(crate) fn noting(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }
}

/// Writes down what was done with a lead, moves what scores look at, and tells. The lead is there.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn record(tx: &mut TenantTx, lead: LeadId, activity: &Activity) -> Result<ActivityId> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let id = ActivityId(platform.chance.id());
    let note_sealed = match &activity.note {
        Some(note) => {
            let keys = Vault::make_subjects(tx, &[subject(lead)]).await?;
            Some(keys.seal(&platform, subject(lead), &note_place(tenant, id), note)?)
        }
        None => None,
    };
    let row = store::ActivityToKeep {
        id,
        lead,
        kind: activity.kind,
        at: activity.at.unwrap_or_else(|| platform.clock.now()),
        actor: tx.actor(),
        about: activity.about,
        note_sealed,
    };
    store::insert_activity(tx.conn(), tenant, &row).await?;
    if activity.kind.engages() {
        store::engage(tx.conn(), tenant, lead, row.at).await?;
    }
    tx.emit(&[told(lead, id, activity.kind)]).await?;
    Ok(id)
}

/// Writes down what leads became, however many, and tells. They are there.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn all_became(tx: &mut TenantTx, leads: &[LeadId], status: Status) -> Result<()> {
    let (tenant, actor, at) = (tx.tenant, tx.actor(), tx.platform.clock.now());
    let kept: Vec<(LeadId, ActivityId)> =
        leads.iter().map(|lead| (*lead, ActivityId(tx.platform.chance.id()))).collect();
    store::insert_statuses(tx.conn(), tenant, &kept, status, (actor, at)).await?;
    let told: Vec<Event> = kept.iter().map(|(lead, id)| told(*lead, *id, ActivityKind::Status)).collect();
    tx.emit(&told).await
}

/// Writes down that messages were sent, those to leads that are there, moves what scores look at, and tells.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn messages_sent(tx: &mut TenantTx, messages: &[MessageId]) -> Result<()> {
    let (tenant, actor) = (tx.tenant, tx.actor());
    let ids: Vec<Uuid> = messages.iter().map(|_| tx.platform.chance.id()).collect();
    let at = tx.platform.clock.now();
    let kept = store::insert_sent(tx.conn(), tenant, (messages, &ids), actor, at).await?;
    let told: Vec<Event> = kept.iter().map(|(lead, id)| told(*lead, *id, ActivityKind::Message)).collect();
    tx.emit(&told).await
}

fn told(lead: LeadId, id: ActivityId, kind: ActivityKind) -> Event {
    let body = json!({ "activity_id": id, "kind": kind });
    Event::new(EventType::LeadActivity, "lead", lead).with(body)
}

/// Writes down what somebody did with a lead.
///
/// # Errors
/// If there is no such lead, or a value breaks a rule.
pub async fn create(ctx: &Ctx, lead: LeadId, new: NewActivity) -> Result<Once<ActivityId>> {
    ctx.require(Permission::ActivitiesWrite)?;
    if !new.kind.is_by_hand() {
        let detail = "this is written down where it happens; use note, call, email, chat or meeting";
        return Err(Error::invalid("/kind", detail));
    }
    let at = new.at.map(Moment::utc);
    if at.is_some_and(|at| at > ctx.now()) {
        return Err(Error::invalid("/at", "write down what was done, not what is to be done"));
    }
    if new.note.as_deref().is_some_and(|note| !is_note(note)) {
        let detail = "1 to 4,000 characters, without control characters but line ends and tabs";
        return Err(Error::invalid("/note", detail));
    }
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    store::lock(keyed.tx.conn(), ctx.tenant, lead, ctx.rows).await?.ok_or(Error::NotFound("lead"))?;
    let activity = Activity { at, note: new.note, ..Activity::of(new.kind) };
    let id = record(&mut keyed.tx, lead, &activity).await?;
    let detail = json!({ "lead_id": lead, "kind": new.kind });
    keyed.tx.audit(&[Entry::new("create", "activity", id).detail(detail)]).await?;
    keyed.commit(id, 201, format!("/api/v1/leads/{lead}/activities")).await
}

fn is_note(note: &str) -> bool {
    let holds = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
    !note.trim().is_empty() && note.chars().nth(LONGEST_NOTE).is_none() && note.chars().all(holds)
}

/// What was done with a lead, the newest first, from `before` on.
///
/// # Errors
/// If there is no such lead.
pub async fn list(
    ctx: &Ctx,
    lead: LeadId,
    before: Option<(DateTime<Utc>, ActivityId)>,
    limit: i64,
) -> Result<Vec<ActivityView>> {
    ctx.require(Permission::LeadsRead)?;
    let mut tx = ctx.begin().await?;
    if !store::is_seen(tx.conn(), ctx.tenant, lead, ctx.rows).await? {
        return Err(Error::NotFound("lead"));
    }
    let rows = store::activities(tx.conn(), ctx.tenant, lead, before, limit).await?;
    let keys = Vault::subjects(&mut tx, &[subject(lead)]).await?;
    rows.into_iter()
        .map(|row| {
            let note = match &row.note_sealed {
                Some(sealed) => keys.open(&note_place(ctx.tenant, row.id), sealed)?,
                None => None,
            };
            Ok(row.into_view(ctx.seen_whole(note.map(Personal::new))))
        })
        .collect()
}

pub(super) fn note_place(tenant: TenantId, activity: ActivityId) -> Place {
    Place { tenant, table: "lead_activities", column: "note_sealed", row: activity.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_have_words_and_an_end() {
        for (note, good) in [
            ("called back\nwants a quote\t(soon)", true),
            ("  ", false),
            ("", false),
            ("bell \u{7}", false),
            ("x".repeat(LONGEST_NOTE).as_str(), true),
            ("x".repeat(LONGEST_NOTE + 1).as_str(), false),
        ] {
            assert_eq!(is_note(note), good, "{note:?}");
        }
    }
}
