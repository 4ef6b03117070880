//! What is said of a table.

use super::column::{Column, Export, Kind};

/// A table with rows about somebody.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// Its name in the database, with the schema if that is not `public`. Values of it are sealed under this name too.
    pub name: &'static str,
    /// Who the people are that an export gives its rows to.
    pub who: Who,
    /// What its rows are, in words for them.
    pub about: &'static str,
    pub story: Story,
    /// How a row leads to a person: it is about them if any of these does.
    pub ways: &'static [Way],
    /// No index of the table begins with what leads to a person: its rows are looked for under each of these, by a column
    /// and the table whose ids stand there.
    pub within: Option<(&'static str, &'static str)>,
    /// Whose key its values are sealed under; none if none are.
    pub owner: Option<Owner>,
    /// Its key, after the tenant: what its pages are ordered and continued by.
    pub key: &'static [&'static str],
    /// The uuid that names the row in a [`Place`](crate::vault::Place).
    pub row: &'static str,
    /// What erasing the person does with its rows.
    pub row_on_erasure: Row,
    /// All columns but `tenant_id`.
    pub columns: &'static [Column],
}

/// Who somebody is to the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Leads, and who writes, calls or is written to.
    Contacts,
    /// Users and agents.
    Staff,
    Both,
}

/// What GDPR Art. 15(1) has a person told of data besides the data.
#[derive(Debug, Clone, Copy)]
pub struct Story {
    /// What it is for.
    pub purpose: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// Who else gets it.
    pub recipients: &'static str,
    /// How long it is kept.
    pub kept: &'static str,
}

/// How a row leads to a person. Each names a column.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// The id of a lead. Of one that was merged it may be the id from before: `lead_merges` says whose it is now.
    Lead(&'static str),
    /// The id of whoever's key it is: of a lead, a user or an agent, or of the row itself where nobody was known.
    Subject(&'static str),
    /// The id of a user.
    User(&'static str),
    /// The id of an agent; `agents.user_id` says which user that is.
    Agent(&'static str),
    /// The blind index of a number or an address. It leads to the person only if `unless` names no lead, one of theirs, or
    /// one that was deleted: people share numbers. Where another lead has it too it leads to nobody.
    Address { column: &'static str, index: &'static str, unless: Option<&'static str> },
    /// The id of a lead, a user or an agent as text, after this beginning.
    Text { column: &'static str, before: &'static str },
    /// The key's first column of a row of another table.
    Of { column: &'static str, table: &'static str },
}

/// Whose key seals the values of a row.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    /// This column says it.
    Column(&'static str),
    /// A column of the row of another table, whose id stands in this one.
    Of { column: &'static str, table: &'static str, owner: &'static str },
}

/// What erasing the person does with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    Deleted,
    /// It stays, with its columns as each says, for this reason.
    Kept(&'static str),
}

impl Table {
    /// Its columns that are sealed under a person's key.
    pub fn sealed(&self) -> impl Iterator<Item = &'static Column> + use<> {
        self.columns.iter().filter(|column| column.kind == Kind::Sealed)
    }

    /// Its columns that are exported, with the name they have there and what they are.
    pub fn exported(&self) -> impl Iterator<Item = (&'static Column, &'static str, &'static str)> + use<> {
        self.columns.iter().filter_map(|column| match column.export {
            Export::As { name, what } => Some((column, name, what)),
            Export::No(_) => None,
        })
    }

    /// The name that its files have in an export, without the ending.
    #[must_use]
    pub fn file(&self) -> &'static str {
        self.name.strip_prefix("engine.").unwrap_or(self.name)
    }
}

impl Way {
    /// The column that it names.
    #[must_use]
    pub const fn column(&self) -> &'static str {
        match self {
            Self::Lead(column)
            | Self::Subject(column)
            | Self::User(column)
            | Self::Agent(column)
            | Self::Address { column, .. }
            | Self::Text { column, .. }
            | Self::Of { column, .. } => column,
        }
    }
}
