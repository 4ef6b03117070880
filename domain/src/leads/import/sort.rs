//! What becomes of each row of a batch.

use std::collections::HashMap;

use super::super::{
    columns::{Reason, Said},
    csv::Row,
    lead::{LeadChange, NewLead},
    store,
    values::Definition,
};
use super::{Import, ImportRow, OnDuplicate, RowOutcome};
use crate::{
    error::{Error, Result},
    tenancy::TenantTx,
    types::{E164, EmailAddress, LeadId},
    vault::TenantKeys,
};

/// A batch, sorted.
#[derive(Default)]
pub(super) struct Sorted {
    /// How many of the rows these are: rows up to leads that are there, and those leads; what comes after them is to be
    /// sorted when they are changed.
    pub(super) count: usize,
    /// Leads to be made.
    pub(super) new: Vec<(LeadId, NewLead)>,
    /// Leads that are there and are to be changed, in the order of the file; what becomes of these rows is not in `rows`.
    pub(super) known: Vec<Known>,
    /// What became of all others.
    pub(super) rows: Vec<ImportRow>,
    /// Numbers and addresses that a dry run has come by, and who has them.
    pub(super) contacts: Vec<(Vec<u8>, Holder)>,
}

/// A row of a lead that is there.
pub(super) struct Known {
    pub(super) line: i64,
    pub(super) lead: LeadId,
    /// By which it was found.
    pub(super) field: &'static str,
    /// What it says of numbers and addresses.
    pub(super) contacts: Vec<Contact>,
    pub(super) change: LeadChange,
}

/// Who has a number or an address.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::leads) enum Holder {
    Lead(LeadId),
    /// A line that would be a lead if this were no dry run.
    Line(i64),
}

/// A number or an address of a row, by its blind index.
#[derive(Clone)]
pub(super) struct Contact {
    pub(super) field: &'static str,
    pub(super) hash: Vec<u8>,
}

/// A row as it was read.
struct Line {
    /// In the file, from 1.
    number: i64,
    said: Result<Said, Reason>,
    /// None where nobody looks for them.
    contacts: Vec<Contact>,
}

struct Sorter<'a> {
    import: &'a Import,
    definitions: &'a [Definition],
    holders: HashMap<Vec<u8>, Holder>,
    /// A lead that is there comes by a number or an address, and may lose another: who has what is known afterwards.
    moves: bool,
    sorted: Sorted,
}

/// Reads rows, looks for those who have their numbers and addresses, and says what becomes of each. Writes nothing.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn sort(
    import: &Import,
    tx: &mut TenantTx,
    definitions: &[Definition],
    rows: &[Row],
) -> Result<Sorted> {
    let ctx = &import.ctx;
    let looks = import.how.on_duplicate != OnDuplicate::Create;
    let index = ctx.platform.vault.tenant_keys(tx.conn(), ctx.tenant).await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let said = match &row.fields {
            Ok(fields) => import.columns.read(fields, definitions),
            Err(reason) => Err(Reason { field: None, reason: (*reason).to_owned() }),
        };
        let contacts = said.as_ref().ok().filter(|_| looks).map(|said| contacts(&index, said));
        let line = i64::try_from(row.line).map_err(Error::internal)?;
        lines.push(Line { number: line, said, contacts: contacts.unwrap_or_default() });
    }
    let holders = if looks { holders(import, tx, &lines).await? } else { HashMap::new() };
    let mut sorter = Sorter { import, definitions, holders, moves: false, sorted: Sorted::default() };
    for line in lines {
        if sorter.is_over(&line) {
            break;
        }
        sorter.place(line);
        sorter.sorted.count += 1;
    }
    Ok(sorter.sorted)
}

/// The number comes first: by it somebody is looked for before by the address.
fn contacts(index: &TenantKeys, said: &Said) -> Vec<Contact> {
    let phone = said.phone().map(E164::as_str).map(|phone| index.index("leads.phone", phone));
    let email = said.email().map(EmailAddress::normal).map(|email| index.index("leads.email", &email));
    let both = [("phone", phone), ("email", email)];
    both.into_iter().filter_map(|(field, hash)| Some(Contact { field, hash: hash? })).collect()
}

/// The blind indexes of the numbers, or of the addresses.
pub(super) fn hashes<'a>(contacts: impl Iterator<Item = &'a Contact>, field: &str) -> Vec<Vec<u8>> {
    contacts.filter(|contact| contact.field == field).map(|contact| contact.hash.clone()).collect()
}

/// Who has what these lines say, of the leads that the sender sees and, in a dry run, of the lines before.
async fn holders(import: &Import, tx: &mut TenantTx, lines: &[Line]) -> Result<HashMap<Vec<u8>, Holder>> {
    let ctx = &import.ctx;
    let all = || lines.iter().flat_map(|line| &line.contacts);
    let (phones, emails) = (hashes(all(), "phone"), hashes(all(), "email"));
    let mut holders = HashMap::new();
    if import.how.dry_run {
        let all: Vec<Vec<u8>> = [phones.as_slice(), emails.as_slice()].concat();
        holders.extend(store::contacts(tx.conn(), ctx.tenant, import.id, &all).await?);
    }
    // A lead that is there comes before a line.
    let leads = store::holders(tx.conn(), ctx.tenant, (&phones, &emails), ctx.rows).await?;
    holders.extend(leads.into_iter().map(|(hash, lead)| (hash, Holder::Lead(lead))));
    Ok(holders)
}

impl Sorter<'_> {
    /// Whether the leads that are there have to be changed before this line is looked at.
    fn is_over(&self, line: &Line) -> bool {
        !self.sorted.known.is_empty() && (self.moves || !self.changes_lead(line))
    }

    /// Whether it is about one lead that is there.
    fn changes_lead(&self, line: &Line) -> bool {
        let found = self.found(&line.contacts);
        let Some((Holder::Lead(lead), _)) = found.first().copied() else { return false };
        found.iter().all(|(other, _)| *other == Holder::Lead(lead))
    }

    /// Who has these, and by which field.
    fn found(&self, contacts: &[Contact]) -> Vec<(Holder, &'static str)> {
        let held = |contact: &Contact| Some((*self.holders.get(&contact.hash)?, contact.field));
        contacts.iter().filter_map(held).collect()
    }

    fn place(&mut self, Line { number: line, said, contacts }: Line) {
        let said = match said {
            Ok(said) => said,
            Err(reason) => return self.reject(line, reason),
        };
        let found = self.found(&contacts);
        let Some((holder, field)) = found.first().copied() else {
            return self.create(line, said, contacts);
        };
        match self.import.how.on_duplicate {
            OnDuplicate::Create => self.create(line, said, contacts),
            OnDuplicate::Skip => {
                let (lead, reason) = holder.told();
                self.tell(line, RowOutcome::Duplicate, lead, (Some(field.to_owned()), reason));
            }
            OnDuplicate::Reject => {
                let (lead, reason) = holder.told();
                let reason = reason.or_else(|| Some("a lead has the same".to_owned()));
                self.tell(line, RowOutcome::Rejected, lead, (Some(field.to_owned()), reason));
            }
            OnDuplicate::Update if found.iter().any(|(other, _)| *other != holder) => {
                let reason =
                    "one lead has the number and another the address; make them one first".to_owned();
                self.reject(line, Reason { field: Some("email".to_owned()), reason });
            }
            OnDuplicate::Update => {
                match holder {
                    Holder::Lead(lead) => {
                        self.moves = found.len() < contacts.len();
                        let (contacts, change) = (contacts.clone(), said.into_change());
                        self.sorted.known.push(Known { line, lead, field, contacts, change });
                    }
                    Holder::Line(_) => {
                        let (_, reason) = holder.told();
                        self.tell(line, RowOutcome::Updated, None, (Some(field.to_owned()), reason));
                    }
                }
                self.remember(holder, contacts);
            }
        }
    }

    fn create(&mut self, line: i64, said: Said, contacts: Vec<Contact>) {
        let lead = match self.import.columns.lead(said, self.definitions) {
            Ok(lead) => lead,
            Err(reason) => return self.reject(line, reason),
        };
        let id = LeadId(self.import.ctx.id());
        let dry_run = self.import.how.dry_run;
        let holder = if dry_run { Holder::Line(line) } else { Holder::Lead(id) };
        self.tell(line, RowOutcome::Created, Some(id).filter(|_| !dry_run), (None, None));
        self.sorted.new.push((id, lead));
        self.remember(holder, contacts);
    }

    /// Whoever comes later with one of these is this one.
    fn remember(&mut self, holder: Holder, contacts: Vec<Contact>) {
        for Contact { hash, .. } in contacts {
            if self.import.how.dry_run {
                self.sorted.contacts.push((hash.clone(), holder));
            }
            self.holders.entry(hash).or_insert(holder);
        }
    }

    fn reject(&mut self, line: i64, Reason { field, reason }: Reason) {
        self.tell(line, RowOutcome::Rejected, None, (field, Some(reason)));
    }

    fn tell(
        &mut self,
        line: i64,
        outcome: RowOutcome,
        lead_id: Option<LeadId>,
        (field, reason): (Option<String>, Option<String>),
    ) {
        let outcome = outcome.as_str().to_owned();
        self.sorted.rows.push(ImportRow { line, outcome, lead_id, field, reason });
    }
}

impl Holder {
    /// How a report names it: a lead by its id, a line in words.
    fn told(self) -> (Option<LeadId>, Option<String>) {
        match self {
            Self::Lead(id) => (Some(id), None),
            Self::Line(line) => (None, Some(format!("line {line} of the file has the same"))),
        }
    }
}
