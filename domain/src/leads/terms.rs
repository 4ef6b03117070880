//! What leads are found by besides their numbers and addresses: keyed hashes of their tags and, where the tenant wants
//! that, of the words of their names and the values of attributes. Whoever reads the database learns which leads share a
//! word, and how many do, but no word.
//!
//! What is wanted is read under a lock that whoever changes it holds alone; then all leads are gone through by a job.
//! So no lead that is written meanwhile is left as it was wanted before.

use std::{collections::BTreeSet, time::Duration};

use engine::{JobKind, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use super::{
    lead::{place, subject},
    store::{self, Term},
    values::Definition,
};
use crate::{
    Ctx,
    error::{Error, Result},
    tenancy::{Latch, TenantTx},
    types::{LeadId, SubjectId},
    vault::{TenantKeys, Vault},
};

/// Leads gone through in one transaction.
const PAGE: i64 = 500;

/// The job that brings the terms of all leads up to date. It changes nothing that is so already, so it may be cut off
/// and run again.
#[derive(Debug, Serialize, Deserialize)]
pub struct IndexLeads {}

impl JobKind for IndexLeads {
    const KIND: &'static str = "index_leads";
    const QUEUE: &'static str = "automation";
    const TIMEOUT: Duration = Duration::from_hours(1);
    /// Whoever has changed what leads are found by waits on the socket.
    const WATCHED: bool = true;
}

/// What a tenant's leads are to be found by.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The words of their names.
    pub names: bool,
    /// What is said of their attributes.
    pub definitions: Vec<Definition>,
}

/// What is wanted at this moment; nobody changes it until commit.
pub(super) async fn plan(tx: &mut TenantTx) -> Result<Plan> {
    let tenant = tx.tenant;
    Latch::SearchPlan.share(tx.conn(), tenant).await?;
    let names = store::searches_names(tx.conn(), tenant).await?;
    Ok(Plan { names, definitions: store::definitions(tx.conn(), tenant).await? })
}

/// For whoever changes what is wanted: waits for those who write leads, and keeps others from it until commit.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn hold_alone(tx: &mut TenantTx) -> Result<()> {
    let tenant = tx.tenant;
    Latch::SearchPlan.take(tx.conn(), tenant).await
}

/// Has all leads gone through.
///
/// # Errors
/// If the database refuses.
pub(crate) async fn index_all(tx: &mut TenantTx) -> Result<()> {
    let job = NewJob::of(tx.tenant.0, tx.platform.chance.id(), &IndexLeads {}).map_err(Error::internal)?;
    tx.enqueue(&[job]).await.map(drop)
}

/// Makes terms.
pub(super) struct Terms<'a> {
    index: &'a TenantKeys,
    plan: &'a Plan,
    made: Vec<Term>,
}

impl<'a> Terms<'a> {
    pub(super) fn new(index: &'a TenantKeys, plan: &'a Plan) -> Self {
        Self { index, plan, made: Vec::new() }
    }

    pub(super) fn add_tags<'t>(&mut self, lead: LeadId, tags: impl IntoIterator<Item = &'t str>) {
        let terms = tags.into_iter().map(|tag| tag_term(self.index, tag));
        self.made.extend(terms.map(|(kind, term)| Term { lead, kind, hash: term }));
    }

    /// The words of a name, where they are wanted.
    pub(super) fn add_name(&mut self, lead: LeadId, name: Option<&str>) {
        let wanted = name.filter(|_| self.plan.names);
        let terms = wanted.into_iter().flat_map(words).map(|word| name_term(self.index, &word));
        self.made.extend(terms.map(|(kind, term)| Term { lead, kind, hash: term }));
    }

    /// The values of attributes, where they are wanted.
    pub(super) fn add_attributes(&mut self, lead: LeadId, attributes: &Map<String, Value>) {
        let wanted = self.plan.definitions.iter().filter(|definition| definition.searchable);
        let terms = wanted.filter_map(|definition| {
            let normal = definition.normal(attributes.get(&definition.name)?)?;
            Some(attribute_term(self.index, &definition.name, &normal))
        });
        self.made.extend(terms.map(|(kind, term)| Term { lead, kind, hash: term }));
    }

    pub(super) fn into_made(self) -> Vec<Term> {
        self.made
    }
}

/// The kind and the hash of a tag.
pub(super) fn tag_term(index: &TenantKeys, tag: &str) -> (String, Vec<u8>) {
    ("tag".to_owned(), index.index("leads.tags", &fold(tag)))
}

/// The kind and the hash of a word of a name; it is folded already.
pub(super) fn name_term(index: &TenantKeys, word: &str) -> (String, Vec<u8>) {
    ("name".to_owned(), index.index("leads.name", word))
}

/// The kind and the hash of an attribute's value in its normal form.
pub(super) fn attribute_term(index: &TenantKeys, name: &str, normal: &str) -> (String, Vec<u8>) {
    (format!("attr:{name}"), index.index("leads.attributes", &format!("{name}\n{normal}")))
}

/// Small letters without accents: what people take for the same word.
pub(super) fn fold(text: &str) -> String {
    let bare: String = text.trim().nfkd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).collect();
    bare.to_lowercase().replace('ß', "ss")
}

/// The words of a text, folded, each once.
pub(super) fn words(text: &str) -> BTreeSet<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(ToOwned::to_owned).collect()
}

/// Goes through the next page of leads. Answers where it ended and how many there were; none after the last.
///
/// # Errors
/// If the database does not answer; nothing of the page is written then.
pub async fn page(ctx: &Ctx, after: Option<LeadId>) -> Result<Option<(LeadId, usize)>> {
    let mut tx = ctx.begin().await?;
    let plan = plan(&mut tx).await?;
    let rows = store::lock_to_index(tx.conn(), ctx.tenant, after, PAGE).await?;
    let Some(last) = rows.last().map(|row| row.id) else { return Ok(None) };
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| subject(row.id)).collect();
    let keys = Vault::subjects(&mut tx, &subjects).await?;
    let by_attributes = plan.definitions.iter().any(|definition| definition.searchable);
    let mut terms = Terms::new(&index, &plan);
    for row in &rows {
        terms.add_tags(row.id, row.tags.iter().map(String::as_str));
        if let Some(sealed) = row.name_sealed.as_ref().filter(|_| plan.names) {
            let name = keys.open(&place(ctx.tenant, "name_sealed", row.id), sealed)?;
            terms.add_name(row.id, name.as_deref());
        }
        if let Some(sealed) = row.attributes_sealed.as_ref().filter(|_| by_attributes) {
            let text = keys.open(&place(ctx.tenant, "attributes_sealed", row.id), sealed)?;
            let kept: Option<Map<String, Value>> =
                text.map(|text| serde_json::from_str(&text)).transpose().map_err(Error::internal)?;
            terms.add_attributes(row.id, &kept.unwrap_or_default());
        }
    }
    let leads: Vec<LeadId> = rows.iter().map(|row| row.id).collect();
    store::put_terms(tx.conn(), ctx.tenant, &leads, store::Parts::ALL, &terms.into_made()).await?;
    tx.commit().await?;
    Ok(Some((last, leads.len())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_people_take_for_the_same() {
        for (text, wanted) in [
            ("Ada Lovelace", vec!["ada", "lovelace"]),
            ("  José  O'Brien-MÜLLER ", vec!["brien", "jose", "muller", "o"]),
            ("Weiß WEISS", vec!["weiss"]),
            ("日本 太郎", vec!["太郎", "日本"]),
            ("ÅNGSTRÖM ångström", vec!["angstrom"]),
            ("--- !", vec![]),
        ] {
            assert_eq!(words(text).into_iter().collect::<Vec<_>>(), wanted, "{text}");
        }
        assert_eq!((fold(" VIP "), fold("Straße 1")), ("vip".into(), "strasse 1".into()));
    }
}
