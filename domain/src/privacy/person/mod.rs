//! Under which ids and addresses somebody is known.

mod store;

use super::{addresses, requests};
use crate::{
    error::{Error, Result},
    leads::merged,
    messages::recipient::Recipient,
    tenancy::TenantTx,
    types::{AgentId, LeadId, PrivacyRequestId, UserId},
    vault::Vault,
};

/// A person as rows name them.
#[derive(Debug, Default)]
pub(super) struct Person {
    /// The lead, and all that were merged into it.
    pub leads: Vec<LeadId>,
    pub users: Vec<UserId>,
    pub agents: Vec<AgentId>,
    /// Keyed hashes of numbers and addresses, by the names they are made under.
    pub hashes: Vec<(&'static str, Vec<u8>)>,
    /// A number or an address of theirs is not among these: another lead has it too, so nobody can tell whose the rows are
    /// that name no lead.
    pub shares: bool,
}

impl Person {
    /// Whether they are somebody who works for the tenant.
    pub(super) fn is_staff(&self) -> bool {
        !self.users.is_empty()
    }

    /// The hashes that are made under one name.
    pub(super) fn hashes_of(&self, name: &str) -> Vec<Vec<u8>> {
        self.hashes.iter().filter(|hash| hash.0 == name).map(|hash| hash.1.clone()).collect()
    }
}

/// Whom a request is about.
///
/// # Errors
/// If there is no such request, or its person cannot be read.
pub(super) async fn of_request(tx: &mut TenantTx, id: PrivacyRequestId) -> Result<Person> {
    let (tenant, platform) = (tx.tenant, tx.platform.clone());
    let held = requests::store::lock(tx.conn(), tenant, id).await?.ok_or(Error::NotFound("request"))?;
    if let Some(user) = held.user {
        let agents = store::agents_of(tx.conn(), tenant, user).await?;
        return Ok(Person { users: vec![user], agents, ..Person::default() });
    }
    if let Some(lead) = held.lead {
        // It may have been merged into another since it was asked for.
        let lead = match merged::merged_into(tx, lead).await? {
            Some(winner) => winner,
            None => lead,
        };
        let leads = merged::all_of(tx, lead).await?;
        let mut reached = addresses::of_leads(tx, &leads).await?;
        let all = reached.iter().flat_map(addresses::Reached::hashes).collect();
        let person = Person { leads, hashes: all, ..Person::default() };
        let (phone, email) = shares(tx, &person).await?;
        for one in &mut reached {
            one.leave_out(phone, email);
        }
        let hashes = reached.iter().flat_map(addresses::Reached::hashes).collect();
        return Ok(Person { hashes, shares: phone || email, ..person });
    }
    let index = platform.vault.tenant_keys(tx.conn(), tenant).await?;
    let keys = Vault::subjects(tx, &[held.subject]).await?;
    let place = requests::ask::to_place(tenant, id);
    let text = held.to_sealed.and_then(|sealed| keys.shown(&place, &sealed)).unwrap_or_default();
    let (to, names): (Option<Recipient>, &[&'static str]) = match held.to_kind.as_deref() {
        Some("phone") => {
            (text.parse().ok().map(Recipient::Phone), &["messages.to", "leads.phone", "calls.number"])
        }
        _ => (text.parse().ok().map(Recipient::Email), &["messages.to", "leads.email"]),
    };
    let normal = to.ok_or_else(|| Error::internal("a request by an address that cannot be read"))?.normal();
    let hashes = names.iter().map(|name| (*name, index.index(name, &normal))).collect();
    let person = Person { hashes, ..Person::default() };
    // A lead may have come since it was asked.
    Ok(match shares(tx, &person).await? {
        (false, false) => person,
        _ => Person { hashes: Vec::new(), shares: true, ..person },
    })
}

/// Whether other leads have a number of the person's, or an address.
async fn shares(tx: &mut TenantTx, person: &Person) -> Result<(bool, bool)> {
    let tenant = tx.tenant;
    let (phones, emails) = (person.hashes_of("leads.phone"), person.hashes_of("leads.email"));
    store::others_have(tx.conn(), tenant, &person.leads, &phones, &emails).await
}
