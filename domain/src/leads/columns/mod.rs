//! Which column of a file is which field, and what a row says by it. Pure.
//!
//! - `fields` what a column may be; `header` the first line, and what its sender says of it

mod fields;
mod header;
#[cfg(test)]
mod tests;

use serde_json::Value;

pub(super) use self::fields::is_known;
use self::{
    fields::Field,
    header::{called, default, defaults, mapped},
};
use super::{
    lead::{LeadChange, NewLead, Source, Status, check},
    values::Definition,
};
use crate::{
    error::{Error, FieldError, Result},
    types::{E164, EmailAddress},
};

/// Each is compared with all before it.
const MOST_COLUMNS: usize = 1_000;

/// What the sender says of the columns.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    /// Fields, and the columns they are read from; other columns are left out. If nothing is said here, each column is
    /// the field that it is called like, and all others are attributes.
    pub columns: Vec<(String, String)>,
    /// Fields, and what a new lead gets where its row says nothing of them.
    pub defaults: Vec<(String, String)>,
}

/// Why a row was left out.
#[derive(Debug, PartialEq, Eq)]
pub struct Reason {
    /// As a mapping names it.
    pub field: Option<String>,
    pub reason: String,
}

/// How the rows of a file are read.
#[derive(Debug)]
pub struct Columns {
    width: usize,
    fields: Vec<(usize, Field)>,
    defaults: Vec<(Field, String)>,
}

/// What a row says of a lead.
pub struct Said {
    change: LeadChange,
    /// Known fields that it says something of.
    known: Vec<usize>,
    /// Attributes of which nothing is defined and nothing is said.
    blank: Vec<String>,
}

impl Columns {
    /// # Errors
    /// If there are too many, a name of the header or of the mapping is missing, unknown or doubled, or no column says how a lead is reached.
    pub fn of(header: &[String], mapping: &Mapping) -> Result<Self> {
        if header.len() > MOST_COLUMNS {
            return Err(Error::invalid("/header", "a file may have 1,000 columns; leave some out"));
        }
        let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
        let mut wrong = Vec::new();
        let fields = if mapping.columns.is_empty() {
            called(&names, &mut wrong)
        } else {
            mapped(&names, &mapping.columns, &mut wrong)
        };
        let defaults = defaults(&mapping.defaults, &mut wrong);
        let columns = Self { width: names.len(), fields, defaults };
        if wrong.is_empty() { Ok(columns) } else { Err(Error::Invalid(wrong)) }
    }

    /// Whether new leads can have what is said of fields that their rows are silent about.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn check_defaults(&self, definitions: &[Definition]) -> Result<()> {
        let told = |wrong: Reason| Error::invalid(default(&wrong.field.unwrap_or_default()), wrong.reason);
        let mut lead = LeadChange::default();
        for (field, text) in &self.defaults {
            if !put(&mut lead, definitions, field, text).map_err(told)? {
                return Err(Error::invalid(default(&field.name()), "say something here, or leave it out"));
            }
        }
        let lead = new_lead(lead);
        let wrong =
            check(true, (lead.value_cents, lead.cost_cents), &lead.tags, &lead.attributes).into_iter().next();
        wrong.map_or(Ok(()), |wrong| Err(told(wrong.into())))
    }

    /// What a row says.
    ///
    /// # Errors
    /// The first thing that cannot be read.
    pub fn read(&self, row: &[String], definitions: &[Definition]) -> Result<Said, Reason> {
        if row.len() != self.width {
            let reason = format!("the row has {} fields, the header {}", row.len(), self.width);
            return Err(Reason { field: None, reason });
        }
        let mut said = Said { change: LeadChange::default(), known: Vec::new(), blank: Vec::new() };
        for (at, field) in &self.fields {
            let is_said = put(&mut said.change, definitions, field, &row[*at])?;
            match field {
                Field::Known(known) if is_said => said.known.push(*known),
                Field::Attribute(name) if !is_said && !definitions.iter().any(|one| one.name == *name) => {
                    said.blank.push(name.clone());
                }
                _ => {}
            }
        }
        Ok(said)
    }

    /// The new lead that a row makes.
    ///
    /// # Errors
    /// The first thing that keeps it from being one.
    pub fn lead(&self, said: Said, definitions: &[Definition]) -> Result<NewLead, Reason> {
        let Said { mut change, known, blank } = said;
        for (field, text) in &self.defaults {
            let is_said = match field {
                Field::Known(at) => known.contains(at),
                Field::Attribute(name) => {
                    change.attributes.as_ref().is_some_and(|all| all.contains_key(name))
                }
            };
            if !is_said {
                put(&mut change, definitions, field, text)?;
            }
        }
        let mut lead = new_lead(change);
        for name in blank {
            lead.attributes.entry(name).or_insert_with(|| Value::from(""));
        }
        let reachable = lead.phone.is_some() || lead.email.is_some();
        if let Some(wrong) =
            check(reachable, (lead.value_cents, lead.cost_cents), &lead.tags, &lead.attributes)
                .into_iter()
                .next()
        {
            return Err(wrong.into());
        }
        let missing = |known: &&Definition| known.required && !lead.attributes.contains_key(&known.name);
        if let Some(definition) = definitions.iter().find(missing) {
            let reason = "every lead needs it; the field is empty or the column is missing".to_owned();
            return Err(Reason { field: Some(fields::attribute(&definition.name)), reason });
        }
        Ok(lead)
    }
}

impl Said {
    pub(super) fn phone(&self) -> Option<&E164> {
        self.change.phone.as_ref().and_then(Option::as_ref)
    }

    pub(super) fn email(&self) -> Option<&EmailAddress> {
        self.change.email.as_ref().and_then(Option::as_ref)
    }

    /// What it says of a lead that is there: nothing of fields that it is silent about.
    pub(super) fn into_change(self) -> LeadChange {
        self.change
    }
}

impl From<FieldError> for Reason {
    fn from(wrong: FieldError) -> Self {
        let field = match wrong.pointer.strip_prefix("/attributes/") {
            // RFC 6901.
            Some(name) => fields::attribute(&name.replace("~1", "/").replace("~0", "~")),
            None => wrong.pointer.trim_start_matches('/').to_owned(),
        };
        Self { field: Some(field).filter(|field| !field.is_empty()), reason: wrong.detail }
    }
}

fn new_lead(said: LeadChange) -> NewLead {
    NewLead {
        name: said.name.flatten(),
        phone: said.phone.flatten(),
        email: said.email.flatten(),
        status: said.status.unwrap_or(Status::New),
        source: said.source.unwrap_or(Source::Import),
        language: said.language.flatten(),
        region: said.region.flatten(),
        value_cents: said.value_cents.flatten(),
        cost_cents: said.cost_cents.flatten(),
        tags: said.tags.unwrap_or_default(),
        attributes: said.attributes.unwrap_or_default(),
    }
}

/// Reads what a column says of a field; `false` if it says nothing.
fn put(lead: &mut LeadChange, definitions: &[Definition], field: &Field, text: &str) -> Result<bool, Reason> {
    let bare = text.trim();
    if bare.is_empty() {
        return Ok(false);
    }
    let refused = |reason: String| Reason { field: Some(field.name()), reason };
    match field {
        Field::Known(at) => fields::set(lead, *at, bare).map_err(refused)?,
        Field::Attribute(name) => {
            let value = match definitions.iter().find(|definition| definition.name == *name) {
                Some(definition) => definition.read(bare).map_err(refused)?,
                None => Value::from(text),
            };
            lead.attributes.get_or_insert_default().insert(name.clone(), value);
        }
    }
    Ok(true)
}
