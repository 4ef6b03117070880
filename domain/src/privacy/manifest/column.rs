//! What is said of a column.

/// A column of a table about somebody.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the database, and where values are sealed in their [`Place`](crate::vault::Place).
    pub name: &'static str,
    pub kind: Kind,
    pub export: Export,
    pub erasure: Erasure,
}

/// How it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sealed under the key of a person: the table's [`Owner`](super::Owner) says whose.
    Sealed,
    /// A blind index of what was sealed, made under this name ([`blind_index`](crate::vault::cipher::blind_index)).
    Index(&'static str),
    /// Another hash of it.
    Hash,
    /// As it is: a fact, a time, an id.
    Plain,
}

/// What an export for the person makes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// It is there under this name; and what it is, in words for them.
    As { name: &'static str, what: &'static str },
    /// It is not there, because of this.
    No(&'static str),
}

/// What erasing the person does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Erasure {
    /// What becomes of the row: see [`Row`](super::Row). In a row that is kept it stays as it is: a figure, a time or an
    /// id that names nobody once the rest is gone.
    AsRow,
    /// Nobody can open it any more once the key is destroyed.
    WithKey,
    /// Set to null.
    Null,
    /// A value of the same type, drawn at random, takes its place: the column must have one.
    Random,
}

impl Column {
    const fn new(name: &'static str, kind: Kind, export: Export) -> Self {
        Self { name, kind, export, erasure: Erasure::AsRow }
    }

    /// Null once the person is erased.
    #[must_use]
    pub(super) const fn null(self) -> Self {
        Self { erasure: Erasure::Null, ..self }
    }

    /// Another value once the person is erased.
    #[must_use]
    pub(super) const fn random(self) -> Self {
        Self { erasure: Erasure::Random, ..self }
    }
}

/// A plain column that is exported under its own name.
pub(super) const fn fact(name: &'static str, what: &'static str) -> Column {
    Column::new(name, Kind::Plain, Export::As { name, what })
}

/// A plain column that is not exported.
pub(super) const fn hidden(name: &'static str, why: &'static str) -> Column {
    Column::new(name, Kind::Plain, Export::No(why))
}

/// A column sealed under the person's key, and the name that an export gives it.
pub(super) const fn sealed(name: &'static str, shown: &'static str, what: &'static str) -> Column {
    let export = Export::As { name: shown, what };
    Column { erasure: Erasure::WithKey, ..Column::new(name, Kind::Sealed, export) }
}

/// The same of one that is not exported.
pub(super) const fn sealed_hidden(name: &'static str, why: &'static str) -> Column {
    Column { erasure: Erasure::WithKey, ..Column::new(name, Kind::Sealed, Export::No(why)) }
}

/// A blind index: another value once the person is erased.
pub(super) const fn index(name: &'static str, of: &'static str) -> Column {
    Column::new(name, Kind::Index(of), Export::No(FINDS)).random()
}

/// Another hash: another value once the person is erased.
pub(super) const fn hash(name: &'static str, why: &'static str) -> Column {
    Column::new(name, Kind::Hash, Export::No(why)).random()
}

/// An id of somebody who works for the tenant.
pub(super) const fn colleague(name: &'static str) -> Column {
    hidden(name, "which of the company's people it was; their name is theirs (GDPR Art. 15(4))")
}

/// Steps and counters of the product's own.
pub(super) const fn inner(name: &'static str) -> Column {
    hidden(name, "a mark of the product's own, which tells nothing of you")
}

const FINDS: &str = "a hash by which what is exported beside it is found; nothing can be read from it";
