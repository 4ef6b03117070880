//! Which leads automation is asked to work on.

use domain::{
    Error,
    types::{ImportId, LeadId},
};

use crate::http::problem::Problem;

/// One lead at once, or many as a job: those of an import, or all.
pub enum Selection {
    One(LeadId),
    Many(Option<ImportId>),
}

impl Selection {
    /// # Errors
    /// Unless exactly one of the three is named.
    pub fn of(lead: Option<LeadId>, import: Option<ImportId>, all: bool) -> Result<Self, Problem> {
        match (lead, import, all) {
            (Some(lead), None, false) => Ok(Self::One(lead)),
            (None, Some(import), false) => Ok(Self::Many(Some(import))),
            (None, None, true) => Ok(Self::Many(None)),
            _ => Err(Error::invalid("", "name one of lead_id, import_id, or all: true").into()),
        }
    }
}
