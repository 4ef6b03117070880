//! What people write to a tenant's numbers. It is kept once, sealed under the key of the lead whose number it is, or under
//! one of its own; a STOP is obeyed before anything else is sent, in the transaction that takes it in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{
    callback::Inbound,
    callbacks::identity,
    consents, keywords,
    provider::{Account, Channel, Scope},
    recipient::{self, Recipient},
    rules::Purpose,
    store::{self, AskedInbound, InboundRow, NewInbound},
    suppressions::{self, Fresh, Reason},
};
use crate::{
    Ctx,
    access::{permission::Permission, rows::Rows},
    audit::Entry,
    error::{Error, Result},
    events::{Event, EventType},
    leads::{
        activities::{self, Activity, ActivityKind},
        contacts::Contacts,
        lead, merged,
    },
    sequences,
    tenancy::TenantTx,
    types::{E164, EmailAddress, LeadId, ProviderId, SubjectId, TenantId},
    vault::{Personal, Place, SubjectKeys, TenantKeys, Vault, personal::reveal},
    workflows::of_lead,
};

/// The longest id of a provider that is kept as it is, in bytes.
const LONGEST_ID: usize = 255;

/// A word that we do something by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InboundKeyword)]
pub enum Keyword {
    /// Nothing is sent to the number any more.
    Stop,
    /// They take a stop back.
    Start,
    /// They want to know who writes to them; the provider answers that.
    Help,
}

impl Keyword {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Start => "start",
            Self::Help => "help",
        }
    }

    fn of(body: &str) -> Option<Self> {
        keywords::read(body).map(|keyword| match keyword {
            keywords::Keyword::Stop => Self::Stop,
            keywords::Keyword::Start => Self::Start,
            keywords::Keyword::Help => Self::Help,
        })
    }
}

/// What somebody wrote, as its tenant sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InboundView {
    pub id: Uuid,
    pub provider_id: ProviderId,
    pub channel: String,
    /// The newest open lead with this number, as it came.
    pub lead_id: Option<LeadId>,
    /// `stop`, `start` or `help`; none for anything else.
    pub keyword: Option<String>,
    /// None once the person was erased.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub from: Option<Personal<String>>,
    /// None once the person was erased, and for whoever may not see personal data.
    #[serde(serialize_with = "reveal")]
    #[schema(value_type = Option<String>)]
    pub body: Option<Personal<String>>,
    pub received_at: DateTime<Utc>,
}

/// Which inbound messages to list.
#[derive(Default)]
pub struct InboundFilter {
    pub lead: Option<LeadId>,
    /// Exactly this number.
    pub from: Option<String>,
    pub keyword: Option<Keyword>,
}

/// Who wrote, and what is done for them.
struct Writer {
    from: String,
    from_index: Vec<u8>,
    /// What leads have that are reached where it came from.
    contacts: Contacts,
    lead: Option<LeadId>,
    subject: SubjectId,
}

/// Takes in what somebody wrote; a second time it changes nothing.
///
/// # Errors
/// If the database refuses.
pub async fn take(ctx: &Ctx, account: &Account, inbound: Inbound) -> Result<()> {
    let (id, channel, keyword) = (ctx.id(), account.channel, Keyword::of(&inbound.body));
    let mut tx = ctx.begin().await?;
    let writer = writer(ctx, &mut tx, id, channel, inbound.from).await?;
    let keys = Vault::make_subjects(&mut tx, &[writer.subject]).await?;
    let seal =
        |column, plain: &str| keys.seal(&ctx.platform, writer.subject, &place(ctx.tenant, column, id), plain);
    let new = NewInbound {
        id,
        provider: account.id,
        channel: channel.as_str(),
        name: &identity(&inbound.provider_message_id, LONGEST_ID),
        lead: writer.lead,
        subject: writer.subject,
        keyword: keyword.map(Keyword::as_str),
        from_index: &writer.from_index,
        from_sealed: &seal("from_sealed", &writer.from)?,
        body_sealed: &seal("body_sealed", &inbound.body)?,
    };
    if !store::insert_inbound(tx.conn(), ctx.tenant, &new).await? {
        return Ok(());
    }
    tell(&mut tx, id, channel, keyword, &writer).await?;
    obey(ctx, &mut tx, channel, keyword, writer).await?;
    tx.commit().await
}

async fn writer(ctx: &Ctx, tx: &mut TenantTx, id: Uuid, channel: Channel, from: String) -> Result<Writer> {
    let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    // What is no address of the channel, like a short number, can still write to us.
    let from = Recipient::parse(channel, &from).map_or(from, |address| address.as_str().to_owned());
    let contacts = match channel {
        Channel::Sms | Channel::Whatsapp => Contacts::of(&keys, from.parse::<E164>().ok().as_ref(), None),
        Channel::Email => Contacts::of(&keys, None, from.parse::<EmailAddress>().ok().as_ref()),
        Channel::Slack | Channel::Push => Contacts::default(),
    };
    let lead = match &contacts.phone {
        Some(index) => store::open_lead_of_number(tx.conn(), ctx.tenant, index).await?,
        None => None,
    };
    let lead = match lead {
        Some(lead) => merged::hold(tx, lead, Rows::All).await?,
        None => None,
    };
    let from_index = index(&keys, channel, &from);
    Ok(Writer { from, from_index, contacts, lead, subject: lead.map_or(SubjectId(id), lead::subject) })
}

/// The blind index of an address, the same by which messages to it and its suppressions are found.
fn index(keys: &TenantKeys, channel: Channel, address: &str) -> Vec<u8> {
    let normal =
        Recipient::parse(channel, address).map_or_else(|_| address.to_owned(), |parsed| parsed.normal());
    recipient::index_of(keys, &normal)
}

/// Tells whoever watches, and what waits for a word of the lead. Ids only: what was written stands in the row.
async fn tell(
    tx: &mut TenantTx,
    id: Uuid,
    channel: Channel,
    keyword: Option<Keyword>,
    writer: &Writer,
) -> Result<()> {
    let (tenant, lead) = (tx.tenant, writer.lead);
    let mut body = json!({ "lead_id": lead, "channel": channel, "keyword": keyword });
    tx.audit(&[Entry::new("create", "inbound_message", id).detail(body.clone())]).await?;
    if let Some(lead) = lead {
        let (owner, team) = store::whose_lead(tx.conn(), tenant, lead).await?;
        body["owner_id"] = json!(owner);
        body["team_id"] = json!(team);
    }
    tx.emit(&[Event::new(EventType::MessageReceived, "inbound", id).with(body)]).await?;
    if let Some(lead) = lead {
        let wrote = Activity::of(ActivityKind::Message).about("inbound_message", id);
        activities::record(tx, lead, &wrote).await?;
    }
    of_lead::replied(tx, lead, &writer.contacts, &json!({ "inbound_id": id })).await
}

/// A stop holds from its commit on, for all that is sent to the number on this channel; what is just being handed over
/// is not called back. A start takes it back; the consent to marketing that went with it has to be given anew.
async fn obey(
    ctx: &Ctx,
    tx: &mut TenantTx,
    channel: Channel,
    keyword: Option<Keyword>,
    writer: Writer,
) -> Result<()> {
    match keyword {
        Some(Keyword::Stop) => {
            // What is not marketing asks for no consent unless one was withdrawn, so that a start can take this back.
            let whose = (writer.lead, writer.from_index.as_slice());
            consents::withdraw(ctx, tx, whose, (channel, Purpose::Marketing), "stop").await?;
            let fresh = Fresh {
                channel,
                scope: Scope::All,
                reason: Reason::Stop,
                message: None,
                subject: writer.subject,
                to: writer.from,
                to_index: writer.from_index,
            };
            suppressions::put(ctx, tx, &[fresh]).await?;
            sequences::of_lead::refused(tx, &writer.contacts).await
        }
        Some(Keyword::Start) => {
            suppressions::lift(ctx, tx, channel, &writer.from_index, &[Reason::Stop, Reason::Provider])
                .await
                .map(drop)
        }
        Some(Keyword::Help) | None => Ok(()),
    }
}

/// Newest first, those with ids below `before`. Whoever sees only some leads sees what those wrote.
///
/// # Errors
/// If a permission is missing: to look for a number asks for that of personal data too, for what is found tells whose it
/// is.
pub async fn list(
    ctx: &Ctx,
    filter: &InboundFilter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InboundView>> {
    ctx.require(Permission::MessagesRead)?;
    let mut tx = ctx.begin().await?;
    let from_index = match &filter.from {
        Some(from) => {
            ctx.require(Permission::PersonalRead)?;
            let keys = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
            let channel = if from.contains('@') { Channel::Email } else { Channel::Sms };
            Some(index(&keys, channel, from.trim()))
        }
        None => None,
    };
    let keyword = filter.keyword.map(Keyword::as_str);
    let asked = AskedInbound { id: None, lead: filter.lead, from_index, keyword };
    views(ctx, &mut tx, &asked, before, limit).await
}

/// # Errors
/// If there is no such inbound message.
pub async fn get(ctx: &Ctx, id: Uuid) -> Result<InboundView> {
    ctx.require(Permission::MessagesRead)?;
    let mut tx = ctx.begin().await?;
    let asked = AskedInbound { id: Some(id), ..AskedInbound::default() };
    views(ctx, &mut tx, &asked, None, 1).await?.pop().ok_or(Error::NotFound("inbound message"))
}

async fn views(
    ctx: &Ctx,
    tx: &mut TenantTx,
    asked: &AskedInbound,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<InboundView>> {
    let rows = store::inbound(tx.conn(), ctx.tenant, asked, ctx.rows, before, limit).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| row.subject_id).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    rows.into_iter().map(|row| view(ctx, &keys, row)).collect()
}

fn view(ctx: &Ctx, keys: &SubjectKeys, row: InboundRow) -> Result<InboundView> {
    let from = keys.shown(&place(ctx.tenant, "from_sealed", row.id), &row.from_sealed);
    let body = keys.shown(&place(ctx.tenant, "body_sealed", row.id), &row.body_sealed);
    let channel = store::stored_channel(&row.channel)?;
    Ok(InboundView {
        id: row.id,
        provider_id: row.provider_id,
        channel: row.channel,
        lead_id: row.lead_id,
        keyword: row.keyword,
        from: ctx.seen(from, recipient::mask_of(channel)),
        body: ctx.seen_whole(body.map(Personal::new)),
        received_at: row.received_at,
    })
}

fn place(tenant: TenantId, column: &'static str, id: Uuid) -> Place {
    Place { tenant, table: "inbound_messages", column, row: id }
}
