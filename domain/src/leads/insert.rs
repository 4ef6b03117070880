//! Writing new leads, one or a page of an import.

use super::{
    home,
    lead::{NewLead, subject},
    seal::Seal,
    store,
    terms::{Plan, Terms},
};
use crate::{
    Ctx,
    access::rows::Rows,
    error::Result,
    events::{Event, EventType},
    routing::sweep,
    tenancy::TenantTx,
    types::{E164, EmailAddress, ImportId, LeadId, SubjectId, Text},
    vault::Vault,
};

/// Writes leads, sealed, and tells of each. Those of a team wait in its queue, so it is swept.
pub(super) async fn insert(
    ctx: &Ctx,
    tx: &mut TenantTx,
    import: Option<ImportId>,
    plan: &Plan,
    leads: &[(LeadId, NewLead)],
) -> Result<()> {
    let subjects: Vec<SubjectId> = leads.iter().map(|(id, _)| subject(*id)).collect();
    let keys = Vault::make_subjects(tx, &subjects).await?;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let mut terms = Terms::new(&index, plan);
    let mut rows = Vec::with_capacity(leads.len());
    for (id, lead) in leads {
        terms.add_tags(*id, lead.tags.iter().map(Text::as_str));
        terms.add_name(*id, lead.name.as_ref().map(Text::as_str));
        terms.add_attributes(*id, &lead.attributes);
        let seal = Seal { ctx, keys: &keys, lead: *id };
        rows.push(store::NewRow {
            id: *id,
            status: lead.status,
            source: lead.source,
            language: lead.language.as_ref().map(|text| text.as_str().to_owned()),
            region: lead.region.as_ref().map(|text| text.as_str().to_owned()),
            value_cents: lead.value_cents,
            cost_cents: lead.cost_cents,
            tags: lead.tags.iter().map(|tag| tag.as_str().to_owned()).collect(),
            name_sealed: seal.text("name_sealed", lead.name.as_ref().map(Text::as_str))?,
            phone_sealed: seal.text("phone_sealed", lead.phone.as_ref().map(E164::as_str))?,
            phone_index: lead.phone.as_ref().map(|phone| index.index("leads.phone", phone.as_str())),
            email_sealed: seal.text("email_sealed", lead.email.as_ref().map(EmailAddress::as_str))?,
            email_index: lead.email.as_ref().map(|email| index.index("leads.email", &email.normal())),
            attributes_sealed: seal.attributes(&lead.attributes)?,
        });
    }
    home::hold(ctx, tx).await?;
    store::insert(tx.conn(), ctx.tenant, import, ctx.rows, &rows).await?;
    let terms = terms.into_made();
    if !terms.is_empty() {
        let ids: Vec<LeadId> = leads.iter().map(|(id, _)| *id).collect();
        store::put_terms(tx.conn(), ctx.tenant, &ids, store::Parts::ALL, &terms).await?;
    }
    let told: Vec<Event> =
        leads.iter().map(|(id, _)| Event::new(EventType::LeadCreated, "lead", id)).collect();
    tx.emit(&told).await?;
    match ctx.rows {
        Rows::Team(team) => sweep::wake_team(tx, team).await,
        Rows::All | Rows::Own(_) => Ok(()),
    }
}
