//! Numbers and addresses of single leads: whether another lead has them, asked so that of two who ask at one moment one
//! finds the other.
//!
//! Whoever looks holds a lock for each number and address until commit, taken in one order and before the locks of all
//! rows, so that nobody waits for somebody who waits for them; and with them a share in `Latch::Contacts`, which imports
//! that look hold alone. So does whoever gives a lead that is there another number: an import that has found the lead by
//! the one before writes that. A new lead of whoever does not look takes no lock: it may as well have come a moment later.

use super::store;
use crate::{
    Ctx,
    access::permission::Permission,
    error::{Error, Result},
    tenancy::{Latch, TenantTx},
    types::{E164, EmailAddress, LeadId},
    vault::TenantKeys,
    words::words,
};

words! {
    /// What becomes of a single lead that comes by a number or an address that another lead has: it is written all the
    /// same, or refused.
    IfTaken {
        Allow = "allow",
        Reject = "reject",
    }
}

impl IfTaken {
    /// Refuses whoever may not look: what is found tells whose number or address it is.
    ///
    /// # Errors
    /// If a permission is missing.
    pub(super) fn require(self, ctx: &Ctx) -> Result<()> {
        if self == Self::Reject { require_look(ctx) } else { Ok(()) }
    }
}

/// Refuses whoever may not look for leads by what they come by.
///
/// # Errors
/// If a permission is missing.
pub(super) fn require_look(ctx: &Ctx) -> Result<()> {
    ctx.require(Permission::LeadsRead)?;
    ctx.require(Permission::PersonalRead)
}

/// What a lead comes by, as blind indexes.
#[derive(Default)]
pub(crate) struct Contacts {
    pub phone: Option<Vec<u8>>,
    pub email: Option<Vec<u8>>,
}

impl Contacts {
    pub(crate) fn of(index: &TenantKeys, phone: Option<&E164>, email: Option<&EmailAddress>) -> Self {
        Self {
            phone: phone.map(|phone| index.index("leads.phone", phone.as_str())),
            email: email.map(|email| index.index("leads.email", &email.normal())),
        }
    }

    /// Keeps others who look, or take something away, from these until commit.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) async fn hold(&self, tx: &mut TenantTx) -> Result<()> {
        let tenant = tx.tenant;
        Latch::Contacts.share(tx.conn(), tenant).await?;
        let mut hashes: Vec<&[u8]> =
            [&self.phone, &self.email].into_iter().flatten().map(Vec::as_slice).collect();
        hashes.sort_unstable();
        store::lock_contacts(tx.conn(), tenant, &hashes).await
    }

    /// Refuses what another lead has of those that the caller sees. They are [held](Self::hold).
    ///
    /// # Errors
    /// A conflict that names the lead.
    pub(super) async fn refuse_taken(
        &self,
        ctx: &Ctx,
        tx: &mut TenantTx,
        by_others_than: LeadId,
    ) -> Result<()> {
        let (phone, email) = (self.phone.as_deref(), self.email.as_deref());
        let taken = store::taken(tx.conn(), ctx.tenant, (phone, email), by_others_than, ctx.rows).await?;
        let Some((lead, field)) = taken else { return Ok(()) };
        let detail =
            format!("the lead {lead} has this {field} already; change that one, or make them one by a merge");
        Err(Error::conflict("duplicate-lead", detail))
    }
}
