//! Sealing what is known of a lead under the key of the person behind it.

use serde_json::{Map, Value};

use super::lead::{place, subject};
use crate::{
    Ctx,
    error::{Error, Result},
    types::LeadId,
    vault::SubjectKeys,
};

/// Seals the parts of one lead.
pub(super) struct Seal<'a> {
    pub ctx: &'a Ctx,
    pub keys: &'a SubjectKeys,
    pub lead: LeadId,
}

impl Seal<'_> {
    pub(super) fn text(&self, column: &'static str, text: Option<&str>) -> Result<Option<Vec<u8>>> {
        let place = place(self.ctx.tenant, column, self.lead);
        let seal = |text| self.keys.seal(&self.ctx.platform, subject(self.lead), &place, text);
        text.map(seal).transpose()
    }

    pub(super) fn attributes(&self, attributes: &Map<String, Value>) -> Result<Option<Vec<u8>>> {
        let text = serde_json::to_string(attributes).map_err(Error::internal)?;
        self.text("attributes_sealed", Some(&text).filter(|_| !attributes.is_empty()).map(String::as_str))
    }
}
