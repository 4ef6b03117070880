//! Every column that holds something about a person: one list, pure and static.
//!
//! Whatever has to reach all of a person's data follows it: the export of it, its erasure, the rotation of keys and the
//! record of processing. A column that is in no list here fails `tests/scenarios/manifest.rs`, so nothing is forgotten
//! that a migration adds.
//!
//! - [`TABLES`] tables with rows about somebody, with all their columns but `tenant_id`
//! - [`SECRETS`] what is sealed under the key of the tenant: about nobody, but rotated as well
//! - [`FILES`] what is sealed in files; [`OTHERS`] columns that look as if they belonged here, and why they do not
//! - `column` and `table` say what is said of each; `leads`, `messages`, `calls`, `campaigns`, `work`,
//!   `staff`, `reports`, `games`, `rights` say it

mod calls;
mod campaigns;
mod column;
mod games;
mod leads;
mod messages;
mod others;
mod reports;
mod rights;
mod staff;
mod table;
mod work;

pub use column::{Column, Erasure, Export, Kind};
pub use others::{FILES, OTHERS, Other, SECRETS, Secret};
pub use table::{Owner, Row, Story, Table, Way, Who};

/// All tables with rows about somebody. A table comes after those that its rows lead to.
pub const TABLES: &[&[Table]] = &[
    leads::TABLES,
    messages::TABLES,
    calls::TABLES,
    campaigns::TABLES,
    work::TABLES,
    staff::TABLES,
    reports::TABLES,
    games::TABLES,
    rights::TABLES,
];

/// The same one by one.
pub fn tables() -> impl Iterator<Item = &'static Table> {
    TABLES.iter().copied().flatten()
}

/// What is said of a table, by its name in the database.
#[must_use]
pub fn table(name: &str) -> Option<&'static Table> {
    tables().find(|table| table.name == name)
}

/// The condition that a column names a lead that was deleted, and neither merged nor is there: then a number or an address is
/// all that says whose the row is. `$1` is the tenant.
#[must_use]
pub(in crate::privacy) fn is_nobody(lead: &str) -> String {
    format!(
        "not exists (select from leads dl where dl.tenant_id = $1 and dl.id = {lead}) \
         and not exists (select from lead_merges dm where dm.tenant_id = $1 and dm.loser_id = {lead})"
    )
}

/// Whether a value may be sealed under a person's key at this place.
#[must_use]
pub fn seals(table_name: &str, column: &str) -> bool {
    table(table_name).is_some_and(|table| table.sealed().any(|sealed| sealed.name == column))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_table_and_column_is_there_once_and_leads_to_what_came_before() {
        let mut before = HashSet::new();
        for table in tables() {
            for way in table.ways {
                if let Way::Of { table: parent, .. } = way {
                    assert!(before.contains(parent), "{}: {parent} comes later, or is not there", table.name);
                }
            }
            assert!(!table.ways.is_empty(), "{}: nothing leads to a person", table.name);
            assert!(before.insert(table.name), "{} is there twice", table.name);
            let mut names = HashSet::new();
            for column in table.columns {
                assert!(names.insert(column.name), "{}.{} is there twice", table.name, column.name);
            }
            let used = table.ways.iter().map(Way::column).chain(table.key.iter().copied()).chain([table.row]);
            for column in used {
                assert!(names.contains(column), "{}.{column} is used and not listed", table.name);
            }
        }
    }

    #[test]
    fn what_is_sealed_has_an_owner_and_goes_with_the_key_and_indexes_do_not_stay() {
        for table in tables() {
            if table.sealed().next().is_some() {
                assert!(table.owner.is_some(), "{}: nobody's key", table.name);
            }
            for column in table.columns {
                let lasts = matches!(table.row_on_erasure, Row::Kept(_)) && column.erasure == Erasure::AsRow;
                let kept_for_them = table.name == "suppressions";
                let finds = matches!(column.kind, Kind::Index(_) | Kind::Hash);
                assert!(
                    !finds || !lasts || kept_for_them,
                    "{}.{} stays after an erasure",
                    table.name,
                    column.name
                );
                if column.kind == Kind::Sealed {
                    assert_eq!(column.erasure, Erasure::WithKey, "{}.{}", table.name, column.name);
                }
            }
        }
    }

    #[test]
    fn files_of_an_export_have_names_of_their_own_and_so_have_their_columns() {
        let mut files = HashSet::new();
        for table in tables().filter(|table| table.exported().next().is_some()) {
            assert!(files.insert(table.file()), "{}", table.file());
            let mut names = HashSet::new();
            for (_, name, what) in table.exported() {
                assert!(names.insert(name), "{}: {name}", table.name);
                assert!(!what.is_empty(), "{}.{name} is not explained", table.name);
            }
        }
    }
}
