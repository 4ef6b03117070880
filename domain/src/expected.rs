//! For which version of a thing a change was made.

use crate::{
    Ctx,
    error::{Error, Result},
};

/// The versions to which a change may be made, as `If-Match` names them (RFC 9110, section 13.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Whichever is there.
    Any,
    /// One of these; none of them if what was named is no version.
    OneOf(Vec<i64>),
}

impl Ctx {
    /// Refuses a change that was made for another version than the one that is there: the ones of `If-Match`, or the
    /// one that the body has `named`. Asked once the row is locked, so that of two changes of one version one is made.
    ///
    /// # Errors
    /// [`Error::Outdated`] if `If-Match` does not name it, a conflict if the body names another.
    pub fn expect_version(&self, what: &'static str, named: Option<i64>, there: i64) -> Result<()> {
        if let Some(Expected::OneOf(versions)) = &self.expected
            && !versions.contains(&there)
        {
            return Err(Error::Outdated(what));
        }
        if named.is_some_and(|named| named != there) {
            let detail = format!("the {what} was changed in the meantime; read it again");
            return Err(Error::conflict("version-changed", detail));
        }
        Ok(())
    }
}
