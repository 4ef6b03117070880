//! Where people are reached, as keyed hashes: by these they are known again without anything being known of them.

mod store;

use std::sync::Arc;

use crate::{
    error::Result,
    leads::lead,
    messages::{provider::Channel, recipient::Recipient},
    tenancy::TenantTx,
    types::{E164, EmailAddress, LeadId, SubjectId},
    vault::{TenantKeys, Vault},
};

/// The number and the address of a lead, for as long as a transaction lasts.
pub(super) struct Reached {
    phone: Option<Recipient>,
    email: Option<Recipient>,
    keys: Arc<TenantKeys>,
}

impl Reached {
    /// `messages.to` of the number.
    pub(super) fn phone_index(&self) -> Option<Vec<u8>> {
        self.phone.as_ref().map(|to| to.index(&self.keys))
    }

    /// The same of the address.
    pub(super) fn email_index(&self) -> Option<Vec<u8>> {
        self.email.as_ref().map(|to| to.index(&self.keys))
    }

    /// By which channels they are reached, and the hash that stands for it there.
    pub(super) fn channels(&self) -> Vec<(Channel, Vec<u8>)> {
        let by_phone = [Channel::Sms, Channel::Whatsapp].map(|channel| (channel, self.phone_index()));
        let all = by_phone.into_iter().chain([(Channel::Email, self.email_index())]);
        all.filter_map(|(channel, hash)| Some((channel, hash?))).collect()
    }

    /// Forgets the number or the address.
    pub(super) fn leave_out(&mut self, phone: bool, email: bool) {
        self.phone = self.phone.take().filter(|_| !phone);
        self.email = self.email.take().filter(|_| !email);
    }

    /// All hashes that stand for them, by the names that they are made under.
    pub(super) fn hashes(&self) -> Vec<(&'static str, Vec<u8>)> {
        let to =
            [self.phone_index(), self.email_index()].into_iter().flatten().map(|hash| ("messages.to", hash));
        let phone = self.phone.as_ref().map(Recipient::normal);
        let email = self.email.as_ref().map(Recipient::normal);
        let number = phone.iter().flat_map(|phone| {
            ["leads.phone", "calls.number"].map(|name| (name, self.keys.index(name, phone)))
        });
        let address = email.iter().map(|email| ("leads.email", self.keys.index("leads.email", email)));
        to.chain(number).chain(address).collect()
    }
}

/// Those of some leads; who cannot be read any more is missing.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn of_leads(tx: &mut TenantTx, leads: &[LeadId]) -> Result<Vec<Reached>> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let index = platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let subjects: Vec<SubjectId> = leads.iter().copied().map(lead::subject).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let mut found = Vec::new();
    for row in store::sealed(tx.conn(), tenant, leads).await? {
        let open = |column, blob: &Option<Vec<u8>>| {
            blob.as_ref().and_then(|blob| keys.shown(&lead::place(tenant, column, row.id), blob))
        };
        let phone = open("phone_sealed", &row.phone).and_then(|text| text.parse::<E164>().ok());
        let email = open("email_sealed", &row.email).and_then(|text| text.parse::<EmailAddress>().ok());
        found.push(Reached {
            phone: phone.map(Recipient::Phone),
            email: email.map(Recipient::Email),
            keys: Arc::clone(&index),
        });
    }
    Ok(found)
}

/// Where somebody is reached who is no lead.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn of(tx: &mut TenantTx, to: Recipient) -> Result<Reached> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let keys = platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let is_mail = matches!(to, Recipient::Email(_));
    let (phone, email) = if is_mail { (None, Some(to)) } else { (Some(to), None) };
    Ok(Reached { phone, email, keys })
}

/// The hash that stands for a lead on a channel; none if it is not reached there.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn index_of(tx: &mut TenantTx, lead: LeadId, channel: Channel) -> Result<Option<Vec<u8>>> {
    let found = of_leads(tx, &[lead]).await?;
    let channels = found.first().map(Reached::channels).unwrap_or_default();
    Ok(channels.into_iter().find(|(there, _)| *there == channel).map(|(_, hash)| hash))
}
