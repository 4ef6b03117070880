//! What people have agreed to: recorded by lead or by address, and what was said last counts.
//!
//! The row is what [`super::gates`] reads; `history` keeps all that was said, whether it counted or not. What was said before what is known
//! changes nothing, so records may come in any order. Of what was said at one instant the withdrawal counts.

mod history;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub use self::history::{Said, history};
use super::{provider::Channel, recipient::Recipient, rules::Purpose, store, suppressions};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::merged,
    moment::Moment,
    privacy::addresses,
    sequences,
    tenancy::{Begun, Once, TenantTx},
    types::{ConsentId, LeadId, Text},
};

/// The longest wording, in bytes.
const LONGEST: usize = 10_000;
/// So far may the clock of whoever records be ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What somebody has said: that they agree, or that they do not.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// Who said it, if it is a lead; where it was merged into another, that one. Else `to` says who.
    pub lead_id: Option<LeadId>,
    /// How they are to be reached by what they agree to.
    pub channel: Channel,
    /// Who said it, as the channel addresses people. Only for whoever sees all leads.
    pub to: Option<String>,
    /// What the messages are for.
    pub purpose: Purpose,
    /// False: they do not want it, or not any more.
    pub granted: bool,
    /// Where it was said: a form, a call, an import. Nothing of the person.
    #[schema(value_type = String, example = "newsletter form")]
    pub source: Text<100>,
    /// What the person was told, in the words used; at most 10,000 bytes. Nothing of the person.
    pub wording: Option<String>,
    /// Where it is kept what shows that it was said: the number of a form or of a recording (GDPR Art. 7(1)). Nothing of
    /// the person.
    #[schema(value_type = Option<String>, example = "form 2026-0815")]
    pub proof: Option<Text<200>>,
    /// When it was said; now if not told. What was said before what is known already changes nothing.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub said_at: Option<Moment>,
}

/// What somebody has said last of a channel and a purpose.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConsentView {
    pub id: ConsentId,
    /// None for what was said by an address, which is kept as its hash only.
    pub lead_id: Option<LeadId>,
    pub channel: String,
    pub purpose: String,
    pub granted: bool,
    pub source: String,
    pub wording: Option<String>,
    pub proof: Option<String>,
    pub version: i64,
    pub said_at: DateTime<Utc>,
    pub recorded_at: DateTime<Utc>,
}

/// What a record came to.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ConsentRecorded {
    /// What is known now.
    #[serde(flatten)]
    pub consent: ConsentView,
    /// False: something later is known already, and stays.
    pub taken: bool,
}

/// Which consents to list.
#[derive(Default)]
pub struct ConsentFilter {
    pub id: Option<ConsentId>,
    pub lead: Option<LeadId>,
    pub channel: Option<Channel>,
    /// An address of the channel.
    pub to: Option<String>,
}

/// Who says something.
pub(super) enum Whose {
    Lead(LeadId),
    Address(Vec<u8>),
}

/// Records that somebody agrees, or does not.
///
/// # Errors
/// If there is no such lead, the address is none, or it is said to have been said in the future.
pub async fn record(ctx: &Ctx, new: NewConsent) -> Result<Once<ConsentRecorded>> {
    ctx.require(Permission::ConsentsWrite)?;
    if new.wording.as_ref().is_some_and(|wording| wording.len() > LONGEST) {
        return Err(Error::invalid("/wording", "at most 10,000 bytes"));
    }
    let now = ctx.now();
    let said_at = new.said_at.map_or(now, Moment::utc);
    if said_at > now + AHEAD {
        return Err(Error::invalid(
            "/said_at",
            "nothing is recorded before it was said; name an instant up to now",
        ));
    }
    let named = named(ctx, &new)?;
    let mut keyed = match ctx.begin_once().await? {
        Begun::Fresh(keyed) => keyed,
        Begun::Replayed(answer) => return Ok(Once::replayed(answer)),
    };
    let tx = &mut keyed.tx;
    let whose = match named {
        Named::Lead(lead) => {
            let held = merged::hold(tx, lead, ctx.rows).await?;
            Whose::Lead(held.ok_or_else(|| Error::invalid("/lead_id", "there is no such lead"))?)
        }
        Named::Address(to) => {
            let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
            Whose::Address(to.index(&keys))
        }
    };
    let said = store::Said {
        channel: new.channel,
        purpose: new.purpose,
        granted: new.granted,
        source: new.source.as_str(),
        wording: new.wording.as_deref(),
        proof: new.proof.as_ref().map(Text::as_str),
        // What comes of a clock that is ahead would stand against what is said a moment later.
        at: said_at.min(now),
    };
    let fresh = ConsentId(ctx.id());
    let put = store::put_consent(tx.conn(), ctx.tenant, fresh, &whose, &said).await?;
    let id = match put {
        Some(id) => id,
        None => store::consent_of(tx.conn(), ctx.tenant, &whose, new.channel, new.purpose).await?,
    };
    store::keep_said(tx.conn(), ctx.tenant, ctx.id(), id, &said, put.is_some(), ctx.actor).await?;
    if put.is_some() && new.granted {
        erased_agree(tx, &whose, new.channel, new.purpose, said.at).await?;
    }
    if put.is_some() {
        tell(tx, &[(id, whose.lead())], new.channel, new.purpose, new.granted, new.source.as_str()).await?;
    }
    let found =
        store::consents(tx.conn(), ctx.tenant, &store::AskedConsents::one(id), Rows::All, None, 1).await?;
    let consent =
        found.into_iter().next().ok_or_else(|| Error::internal("a consent just saved is not there"))?;
    let location = format!("/api/v1/compliance/gdpr/consent?id={id}");
    keyed.commit(ConsentRecorded { consent, taken: put.is_some() }, 201, location).await
}

/// Who is meant, before anything is looked up.
enum Named {
    Lead(LeadId),
    Address(Recipient),
}

fn named(ctx: &Ctx, new: &NewConsent) -> Result<Named> {
    match (new.lead_id, &new.to) {
        (Some(lead), None) => Ok(Named::Lead(lead)),
        (None, Some(to)) if ctx.rows == Rows::All => {
            let to = Recipient::parse(new.channel, to).map_err(|why| Error::invalid("/to", why.0))?;
            Ok(Named::Address(to))
        }
        (None, Some(_)) => {
            Err(Error::beyond("/to", "you see only some of the leads; name the one who said it as lead_id"))
        }
        (Some(_), Some(_)) => Err(Error::invalid("/to", "name a lead or an address, not both")),
        (None, None) => Err(Error::invalid("/lead_id", "say who it was: a lead, or an address in `to`")),
    }
}

impl Whose {
    fn lead(&self) -> Option<LeadId> {
        match self {
            Self::Lead(lead) => Some(*lead),
            Self::Address(_) => None,
        }
    }
}

/// What is known last, newest first by its first record, those with ids below `before`.
///
/// # Errors
/// If a permission is missing, there is no such lead, or the address is none.
pub async fn list(
    ctx: &Ctx,
    filter: &ConsentFilter,
    before: Option<ConsentId>,
    limit: i64,
) -> Result<Vec<ConsentView>> {
    ctx.require(Permission::ConsentsRead)?;
    let mut tx = ctx.begin().await?;
    let lead = match filter.lead {
        Some(lead) => Some(merged::by_now(&mut tx, lead, ctx.rows).await?.ok_or(Error::NotFound("lead"))?),
        None => None,
    };
    let to_index = match (&filter.to, filter.channel) {
        (Some(to), Some(channel)) => Some(look_for(ctx, &mut tx, channel, to).await?),
        (Some(_), None) => return Err(Error::invalid("?channel", "say of which channel the address is")),
        (None, _) => None,
    };
    let asked = store::AskedConsents { id: filter.id, lead, channel: filter.channel, to_index };
    store::consents(tx.conn(), ctx.tenant, &asked, ctx.rows, before, limit).await
}

/// The blind index of an address that somebody looks for: what is found tells whose it is.
pub(super) async fn look_for(ctx: &Ctx, tx: &mut TenantTx, channel: Channel, to: &str) -> Result<Vec<u8>> {
    ctx.require(Permission::PersonalRead)?;
    ctx.require_all_rows()?;
    let to = Recipient::parse(channel, to).map_err(|why| Error::invalid("?to", why.0))?;
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    Ok(to.index(&keys))
}

/// Takes back what somebody has agreed to, by their address and as a lead if they are one. What was withdrawn already
/// stays as it was.
///
/// # Errors
/// If the database refuses.
pub(super) async fn withdraw(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (lead, to_index): (Option<LeadId>, &[u8]),
    (channel, purpose): (Channel, Purpose),
    source: &'static str,
) -> Result<()> {
    let held = match lead {
        Some(lead) => merged::hold(tx, lead, Rows::All).await?,
        None => None,
    };
    let said =
        store::Said { channel, purpose, granted: false, source, wording: None, proof: None, at: ctx.now() };
    let all = held.map(Whose::Lead).into_iter().chain([Whose::Address(to_index.to_vec())]);
    let mut withdrawn = Vec::new();
    for whose in all {
        let fresh = ConsentId(ctx.id());
        if let Some(id) = store::withdraw_consent(tx.conn(), ctx.tenant, fresh, &whose, &said).await? {
            store::keep_said(tx.conn(), ctx.tenant, ctx.id(), id, &said, true, ctx.actor).await?;
            withdrawn.push((id, whose.lead()));
        }
    }
    tell(tx, &withdrawn, channel, purpose, false, source).await
}

/// Somebody who was erased agrees to something anew: what kept messages from them goes, as far as they have agreed.
async fn erased_agree(
    tx: &mut TenantTx,
    whose: &Whose,
    channel: Channel,
    purpose: Purpose,
    agreed_at: DateTime<Utc>,
) -> Result<()> {
    let to_index = match whose {
        Whose::Address(to_index) => Some(to_index.clone()),
        Whose::Lead(lead) => addresses::index_of(tx, *lead, channel).await?,
    };
    match to_index {
        Some(to_index) => suppressions::erased_agrees(tx, (channel, &to_index), purpose, agreed_at).await,
        None => Ok(()),
    }
}

/// Joins what two leads have said that become one: what either has withdrawn is withdrawn, else the later counts. Both
/// are locked; what is left of the one that goes goes with it.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn leads_merge(tx: &mut TenantTx, winner: LeadId, loser: LeadId) -> Result<()> {
    let tenant = tx.tenant;
    store::merge_consents(tx.conn(), tenant, winner, loser).await
}

async fn tell(
    tx: &mut TenantTx,
    changed: &[(ConsentId, Option<LeadId>)],
    channel: Channel,
    purpose: Purpose,
    granted: bool,
    source: &str,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let (action, kind) =
        if granted { ("give", EventType::ConsentGiven) } else { ("withdraw", EventType::ConsentWithdrawn) };
    let detail = |lead: Option<LeadId>| json!({ "lead_id": lead, "channel": channel, "purpose": purpose });
    let (mut entries, mut events) = (Vec::new(), Vec::new());
    for (id, lead) in changed {
        let mut noted = detail(*lead);
        noted["source"] = json!(source);
        entries.push(Entry::new(action, "consent", id).detail(noted));
        events.push(Event::new(kind, "consent", id).with(detail(*lead)));
    }
    tx.audit(&entries).await?;
    tx.emit(&events).await?;
    if granted {
        return Ok(());
    }
    // They are held, for what they have said was written to them.
    let leads: Vec<LeadId> = changed.iter().filter_map(|(_, lead)| *lead).collect();
    sequences::of_lead::opted_out(tx, &leads).await
}
