//! Which columns are in a file: those that were asked for, in that order, or all.

use crate::error::{Error, Result};

/// A column of one kind of rows.
pub(in crate::analytics::export) trait OfRows:
    Copy + PartialEq + Send + Sync + 'static
{
    const EVERY: &'static [Self];
    fn name(self) -> &'static str;
    /// Whether it says something about a person, which is sealed.
    fn is_sealed(self) -> bool;
}

/// The wanted ones, or all there are.
pub(super) fn wanted<C: OfRows>(asked: Option<&[C]>) -> Vec<C> {
    asked.filter(|asked| !asked.is_empty()).unwrap_or(C::EVERY).to_vec()
}

/// Makes a column of each of some words.
macro_rules! of_rows {
    ($name:ident sealed [$($sealed:ident),* $(,)?]) => {
        impl super::columns::OfRows for $name {
            const EVERY: &'static [Self] = &Self::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }

            fn is_sealed(self) -> bool {
                const SEALED: &[$name] = &[$($name::$sealed),*];
                SEALED.contains(&self)
            }
        }
    };
}
pub(super) use of_rows;

/// Refuses a column that is there twice: one name stands for one column.
///
/// # Errors
/// If one is.
pub(in crate::analytics::export) fn check<C: OfRows>(asked: Option<&[C]>) -> Result<()> {
    let asked = asked.unwrap_or_default();
    for (at, column) in asked.iter().enumerate() {
        if asked[..at].contains(column) {
            return Err(Error::invalid(
                format!("/columns/{at}"),
                format!("`{}` is there twice", column.name()),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{LeadColumn, RecipientColumn};
    use super::*;

    #[test]
    fn those_that_are_asked_for_come_in_their_order_and_each_once() {
        let asked = [LeadColumn::Status, LeadColumn::Id];
        assert_eq!(wanted(Some(&asked[..])), asked);
        assert_eq!(wanted::<LeadColumn>(None), LeadColumn::ALL);
        assert_eq!(wanted::<LeadColumn>(Some(&[])), LeadColumn::ALL, "none named is all");
        assert!(check(Some(&asked[..])).is_ok() && check::<LeadColumn>(None).is_ok());
        assert!(check(Some(&[LeadColumn::Id, LeadColumn::Name, LeadColumn::Id][..])).is_err());
        let sealed: Vec<&str> =
            LeadColumn::ALL.into_iter().filter(|one| one.is_sealed()).map(OfRows::name).collect();
        assert_eq!(sealed, ["name", "phone", "email", "attributes"]);
        assert!(RecipientColumn::ALL.into_iter().all(|one| !one.is_sealed()));
    }
}
