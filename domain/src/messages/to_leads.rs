//! Messages to many leads, each to its own address, in a transaction of the caller's, who holds the leads.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use chrono_tz::Tz;

use super::{
    accept::{accept_fixed, address_of},
    gates::Asking,
    provider::Channel,
    recipient::Recipient,
    rules::{Purpose, Status},
    send::NewMessage,
    store::{self, Carrier},
    to_lead::said_of,
    whereabouts,
};
use crate::{
    Ctx,
    error::Result,
    leads::{
        commands,
        lead::{self, LeadView},
    },
    tenancy::{self, TenantTx},
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId},
    vault::Vault,
};

/// How a lead is reached on a channel.
pub(crate) struct Reach {
    /// Its own address, if it has one that opens and that the channel can take.
    pub to: Option<String>,
    /// What is written to it can be sealed.
    pub seals: bool,
    /// It has said that it does not want such messages, or its address is suppressed for them.
    pub opted_out: bool,
}

/// How leads are reached on channels with messages of a purpose, in the order asked. Whether they want it is found out if
/// it `matters`.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn reach(
    tx: &mut TenantTx,
    asked: &[(LeadId, Channel, Purpose)],
    matters: bool,
) -> Result<Vec<Reach>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let (tenant, vault) = (tx.tenant, Arc::clone(&tx.platform.vault));
    let leads: Vec<LeadId> = asked.iter().map(|(id, ..)| *id).collect();
    let contacts = store::contacts(tx.conn(), tenant, &leads).await?;
    let subjects: Vec<SubjectId> = leads.iter().map(|id| lead::subject(*id)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut found: Vec<Option<Recipient>> = Vec::with_capacity(asked.len());
    for (id, channel, _) in asked {
        let plain = match contacts.get(id).and_then(|contact| address_of(contact, *channel)) {
            Some((column, sealed)) => keys.shown(&lead::place(tenant, column, *id), sealed),
            None => None,
        };
        found.push(plain.and_then(|plain| Recipient::parse(*channel, &plain).ok()));
    }
    let mut wishes = vec![false; asked.len()];
    if matters {
        let index = vault.tenant_keys(tx.conn(), tenant).await?;
        let mut asking = Vec::with_capacity(asked.len());
        for ((id, channel, purpose), to) in asked.iter().zip(&found) {
            asking.push(Asking {
                // There is none yet, and none is looked for.
                message: MessageId(id.0),
                subject: lead::subject(*id),
                lead: Some(*id),
                channel: *channel,
                purpose: *purpose,
                to: String::new(),
                to_index: to.as_ref().map(|to| to.index(&index)).unwrap_or_default(),
                in_doubt: false,
            });
        }
        let said = store::said_of(tx.conn(), tenant, &asking).await?;
        for (wish, said) in wishes.iter_mut().zip(said) {
            *wish = said.suppressed || said.by_lead == Some(false) || said.by_address == Some(false);
        }
    }
    let reached = |((to, opted_out), (id, ..)): ((Option<Recipient>, bool), &(LeadId, Channel, Purpose))| {
        let to = to.map(|to| to.as_str().to_owned());
        Reach { to, seals: keys.seals(lead::subject(*id)), opted_out }
    };
    Ok(found.into_iter().zip(wishes).zip(asked).map(reached).collect())
}

/// The zone by whose clock each of these leads is written to: the one of its number, if that is of one; else its region, if
/// that is named like a zone; else the tenant's own. A number of a country with several zones may be in any of them: the
/// region says which, or else the tenant's own is taken if it is one of them, or the first.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn clocks(tx: &mut TenantTx, leads: &[LeadId]) -> Result<HashMap<LeadId, Tz>> {
    let tenant = tx.tenant;
    let home = tenancy::store::zone(tx.conn(), tenant).await?.parse().unwrap_or(Tz::UTC);
    let mut found: HashMap<LeadId, Tz> = leads.iter().map(|id| (*id, home)).collect();
    found.extend(
        whereabouts::of_leads(tx, leads).await?.into_iter().map(|(id, known)| (id, known.clock(home))),
    );
    Ok(found)
}

/// What messages need besides their recipients, as it is now.
pub(crate) struct Means {
    carriers: Vec<Carrier>,
    templates: HashMap<TemplateId, Channel>,
}

impl Means {
    /// Looks for the accounts of a tenant, and for these templates.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(crate) async fn find(tx: &mut TenantTx, templates: &[TemplateId]) -> Result<Self> {
        let tenant = tx.tenant;
        Ok(Self {
            carriers: store::carriers(tx.conn(), tenant).await?,
            templates: store::channels_of(tx.conn(), tenant, templates, false).await?,
        })
    }

    /// The channel of a template that may be used.
    pub(crate) fn channel_of(&self, template: TemplateId) -> Option<Channel> {
        self.templates.get(&template).copied()
    }

    /// Whether an account is there that carries a channel: this one, if one is named. One that is paused is there.
    pub(crate) fn carries(&self, provider: Option<ProviderId>, channel: Channel) -> bool {
        let fits = |one: &Carrier| one.channel == channel && provider.is_none_or(|wanted| one.id == wanted);
        self.carriers.iter().any(fits)
    }
}

/// Which of these messages have not left yet: they wait, or are being sent at this moment.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn under_way(tx: &mut TenantTx, messages: &[MessageId]) -> Result<HashSet<MessageId>> {
    if messages.is_empty() {
        return Ok(HashSet::new());
    }
    let tenant = tx.tenant;
    let found = store::statuses(tx.conn(), tenant, messages).await?;
    let waits = |status: &Status| matches!(status, Status::Pending | Status::Queued | Status::Sending);
    Ok(found.into_iter().filter(|(_, status)| waits(status)).map(|(id, _)| id).collect())
}

/// What is in use of a template's name: a version for each locale, which is empty for none, and the channel of all.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn offered(
    tx: &mut TenantTx,
    name: &str,
) -> Result<Option<(Channel, Vec<(String, TemplateId)>)>> {
    let tenant = tx.tenant;
    let versions = store::offered(tx.conn(), tenant, name).await?;
    let Some(first) = versions.first() else { return Ok(None) };
    let channel = store::stored_channel(&first.channel)?;
    Ok(Some((channel, versions.into_iter().map(|one| (one.locale, one.id)).collect())))
}

/// A message about to be written.
pub(crate) struct ToLead {
    pub lead: LeadId,
    /// As [`Reach::to`] says.
    pub to: String,
    pub template: TemplateId,
    pub provider: Option<ProviderId>,
    pub purpose: Purpose,
}

/// Writes messages down with the jobs that send them, at most 500. Answers their ids, in their order. Their templates may
/// be archived by now. What does not open of a lead its message does not speak of.
///
/// # Errors
/// If a lead has no key to [seal](Reach::seals) by, or an account is not there any more; [`Means`] says so before.
pub(crate) async fn write(ctx: &Ctx, tx: &mut TenantTx, all: &[&ToLead]) -> Result<Vec<MessageId>> {
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<LeadId> = all.iter().map(|one| one.lead).collect();
    let most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let known: BTreeMap<LeadId, LeadView> =
        commands::these_shown(ctx, tx, ids, most).await?.into_iter().map(|view| (view.id, view)).collect();
    let new = |one: &ToLead| NewMessage {
        provider_id: one.provider,
        template_id: Some(one.template),
        template: None,
        locale: None,
        to: Some(one.to.clone()),
        lead_id: Some(one.lead),
        variables: known.get(&one.lead).map(said_of).unwrap_or_default(),
        purpose: one.purpose,
        send_at: None,
        expires_at: None,
    };
    let messages: Vec<NewMessage> = all.iter().copied().map(new).collect();
    let asked: Vec<(String, &NewMessage)> = messages.iter().map(|message| (String::new(), message)).collect();
    let (written, jobs): (Vec<MessageId>, Vec<_>) = accept_fixed(ctx, tx, &asked).await?.into_iter().unzip();
    tx.enqueue(&jobs).await?;
    Ok(written)
}
