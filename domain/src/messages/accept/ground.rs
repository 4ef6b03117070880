//! What messages speak of, and whether it is there and fits: accounts, templates, leads and whom they are to.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use chrono::TimeDelta;

use crate::{
    Ctx,
    error::{Error, Result},
    leads::{self, merged},
    messages::{
        provider::Channel,
        recipient::Recipient,
        send::NewMessage,
        store::{self, Carrier},
        templates,
    },
    moment::Moment,
    tenancy::TenantTx,
    types::{LeadId, MessageId, ProviderId, SubjectId, TemplateId, TenantId},
    vault::{SubjectKeys, Vault},
};

pub(super) const NO_LEAD: &str = "there is no such lead";
/// How far ahead a message may be written.
const FURTHEST: TimeDelta = TimeDelta::days(366);

/// A template's name, and the locale that is wanted.
type Named = (String, Option<String>);

/// What there is of what messages speak of, looked for once.
pub(super) struct Ground {
    pub carriers: Vec<Carrier>,
    /// By id: the channel of each template that may be used.
    pub templates: HashMap<TemplateId, Channel>,
    /// By name and wanted locale.
    pub named: HashMap<Named, Option<(TemplateId, Channel)>>,
    /// What each lead is by now; none for one that is not there or not seen.
    pub leads: BTreeMap<LeadId, Option<LeadId>>,
    pub contacts: HashMap<LeadId, store::Contact>,
    pub keys: SubjectKeys,
}

/// A message that may be accepted.
pub(super) struct Plan {
    pub id: MessageId,
    pub subject: SubjectId,
    pub lead: Option<LeadId>,
    pub template: TemplateId,
    pub channel: Channel,
    /// Whose limit its job counts against.
    pub carrier: ProviderId,
    pub to: Recipient,
}

impl Ground {
    /// Looks for what these speak of. The leads among it are held. Templates that are `fixed` may be archived by now.
    pub async fn find(
        ctx: &Ctx,
        tx: &mut TenantTx,
        asked: &[(String, &NewMessage)],
        fixed: bool,
    ) -> Result<Self> {
        let tenant = tx.tenant;
        let ids: Vec<TemplateId> = asked.iter().filter_map(|(_, new)| new.template_id).collect();
        let templates = store::channels_of(tx.conn(), tenant, &ids, fixed).await?;
        let mut named = HashMap::new();
        for (_, new) in asked {
            let Some(name) = &new.template else { continue };
            let locale = new.locale.as_ref().map(|locale| locale.as_str().to_owned());
            let key = (name.as_str().to_owned(), locale);
            if let Entry::Vacant(place) = named.entry(key) {
                let (name, locale) = place.key();
                let found = templates::resolve(tx, name, locale.as_deref()).await?;
                place.insert(found);
            }
        }
        // In the order of their ids, so that of two requests neither waits for what the other holds.
        let mut leads: BTreeMap<LeadId, Option<LeadId>> =
            asked.iter().filter_map(|(_, new)| Some((new.lead_id?, None))).collect();
        for (lead, now) in &mut leads {
            *now = merged::hold(tx, *lead, ctx.rows).await?;
        }
        let here: Vec<LeadId> = leads.values().copied().flatten().collect();
        let contacts = store::contacts(tx.conn(), tenant, &here).await?;
        let subjects: Vec<SubjectId> = here.iter().map(|lead| leads::lead::subject(*lead)).collect();
        let keys = Vault::subjects(tx, &subjects).await?;
        Ok(Self {
            carriers: store::carriers(tx.conn(), tenant).await?,
            templates,
            named,
            leads,
            contacts,
            keys,
        })
    }

    /// What is to be written down of a message, if nothing is wrong with it.
    pub fn plan(&self, ctx: &Ctx, at: &str, new: &NewMessage) -> Result<Plan> {
        let wrong = |field: &str, why: String| Error::invalid(format!("{at}{field}"), why);
        let (template, channel) = self.template(at, new)?;
        let carrier = self.carrier(at, new.provider_id, channel, "/template_id")?;
        let lead = match new.lead_id {
            Some(asked) => match self.leads.get(&asked).copied().flatten() {
                Some(lead) => Some(lead),
                None => return Err(wrong("/lead_id", NO_LEAD.into())),
            },
            None => None,
        };
        check_times(ctx, at, new)?;
        let to = match &new.to {
            Some(to) => Recipient::parse(channel, to).map_err(|why| wrong("/to", why.to_string()))?,
            None => self.of_lead(ctx.tenant, at, lead, channel)?,
        };
        let id = MessageId(ctx.id());
        let subject = lead.map_or(SubjectId(id.0), leads::lead::subject);
        Ok(Plan { id, subject, lead, template, channel, carrier, to })
    }

    fn template(&self, at: &str, new: &NewMessage) -> Result<(TemplateId, Channel)> {
        let wrong = |field: &str, why: &str| Err(Error::invalid(format!("{at}{field}"), why));
        match (new.template_id, &new.template) {
            (Some(_), Some(_)) => {
                wrong("/template", "name the template by its id or by its name, not by both")
            }
            (None, None) => wrong("/template_id", "name the template, by its id or by its name (`template`)"),
            (Some(_), None) if new.locale.is_some() => wrong(
                "/locale",
                "a version has one locale; name the template by its name (`template`) to choose",
            ),
            (Some(id), None) => match self.templates.get(&id) {
                Some(channel) => Ok((id, *channel)),
                None => wrong("/template_id", "there is no such template"),
            },
            (None, Some(name)) => {
                let locale = new.locale.as_ref().map(|locale| locale.as_str().to_owned());
                match self.named.get(&(name.as_str().to_owned(), locale)).copied().flatten() {
                    Some(found) => Ok(found),
                    None => wrong("/template", "there is no template of this name"),
                }
            }
        }
    }

    /// Whose limit the message counts against: the account that is named, or the first of the channel that is not paused.
    pub fn carrier(
        &self,
        at: &str,
        named: Option<ProviderId>,
        channel: Channel,
        field: &str,
    ) -> Result<ProviderId> {
        let wrong = |field: &str, why: String| Err(Error::invalid(format!("{at}{field}"), why));
        if let Some(id) = named {
            return match self.carriers.iter().find(|carrier| carrier.id == id) {
                None => wrong("/provider_id", "there is no such provider".into()),
                Some(carrier) if carrier.channel != channel => {
                    let (sends, asked) = (carrier.channel.as_str(), channel.as_str());
                    wrong(field, format!("the provider sends {sends}, not {asked}"))
                }
                Some(carrier) => Ok(carrier.id),
            };
        }
        match first_of(&self.carriers, channel) {
            Some(id) => Ok(id),
            None => {
                wrong("/provider_id", format!("no provider sends {}; set one up first", channel.as_str()))
            }
        }
    }

    /// The lead's own address for the channel.
    fn of_lead(
        &self,
        tenant: TenantId,
        at: &str,
        lead: Option<LeadId>,
        channel: Channel,
    ) -> Result<Recipient> {
        let what = match channel {
            Channel::Email => "e-mail address",
            Channel::Sms | Channel::Whatsapp => "phone number",
            Channel::Slack => "channel",
            Channel::Push => "device's token",
        };
        let missing = |why: String| Error::invalid(format!("{at}/to"), why);
        let Some(lead) = lead else {
            return Err(missing(format!("write the recipient's {what}, or name a lead that has one")));
        };
        let contact = self.contacts.get(&lead);
        let found = contact.and_then(|contact| address_of(contact, channel));
        let plain = match found {
            Some((column, sealed)) => self.keys.open(&leads::lead::place(tenant, column, lead), sealed)?,
            None => None,
        };
        let Some(plain) = plain else {
            return Err(missing(format!("the lead has no {what}; write one here")));
        };
        Recipient::parse(channel, &plain)
            .map_err(|_| missing(format!("the lead's {what} is none; write one here")))
    }
}

/// Whose limit a message of the channel counts against before an account is chosen for it.
pub(in crate::messages) fn first_of(carriers: &[Carrier], channel: Channel) -> Option<ProviderId> {
    let mut fit = carriers.iter().filter(|carrier| carrier.channel == channel);
    let first = fit.clone().find(|carrier| !carrier.paused).or_else(|| fit.next());
    first.map(|carrier| carrier.id)
}

/// Where a lead's own address for the channel stands, and the sealed address.
pub(in crate::messages) fn address_of(
    contact: &store::Contact,
    channel: Channel,
) -> Option<(&'static str, &[u8])> {
    match channel {
        Channel::Email => Some(("email_sealed", contact.email_sealed.as_deref()?)),
        Channel::Sms | Channel::Whatsapp => Some(("phone_sealed", contact.phone_sealed.as_deref()?)),
        Channel::Slack | Channel::Push => None,
    }
}

fn check_times(ctx: &Ctx, at: &str, new: &NewMessage) -> Result<()> {
    let now = ctx.now();
    let starts = new.send_at.map_or(now, Moment::utc);
    if starts > now + FURTHEST {
        return Err(Error::invalid(format!("{at}/send_at"), "at most a year ahead"));
    }
    if new.expires_at.is_some_and(|expires| expires.utc() <= starts.max(now)) {
        return Err(Error::invalid(
            format!("{at}/expires_at"),
            "after the instant at which it is to be sent",
        ));
    }
    Ok(())
}
