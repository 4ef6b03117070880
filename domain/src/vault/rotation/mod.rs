//! Keys are replaced while everybody reads and writes: [`start`] begins it, the workflow `rotate_keys` carries it on turn by
//! turn ([`turn`]), and [`view`] says how far it has come.
//!
//! **The key-encryption key.** Each wrapped key names what wrapped it. A rotation goes over all keys and wraps by the current
//! one what another wrapped, where it still is what it was (compare and swap), until a pass finds nothing. Values stay as
//! they are. Processes that still wrap by the former one would go on doing so: an operator gives all of them the new one
//! first (docs/encryption.md). One that was stopped and is taken up goes to the key that is the current one by then, and one
//! that was stopped is given up for a rotation of data keys: all keys open at any point of it.
//!
//! **Data keys**, the tenant's own or those of its people, go through three states: `next`, `current`, `former`.
//!
//! 1. *make*: the next keys are written down. Readers unwrap them, nobody seals under them.
//! 2. *switch*: once all transactions are over that began before the last of them was there, the next keys become the
//!    current ones. So a reader who read the keys first and the value afterwards knows whatever the value is under.
//! 3. *reseal*: once all transactions are over that began before the switch, nobody seals under a former key any more,
//!    for whoever seals reads the current key in the transaction that writes (`keys`). Then passes over all columns
//!    ([`columns`]) seal anew what is under a former key, where it still is what it was. They wait for no row that somebody
//!    holds; the next pass comes by there.
//! 4. *destroy*: once a pass has found nothing, and all transactions are over that went on at its end, and another pass has
//!    found nothing. Between the two everybody is gone who had read something under a former key before it was sealed
//!    anew, be it to open it or, against the rules, to write it back.
//!
//! That transactions are over is no guess about time: each holds the lock of its own number, and Postgres shows those locks
//! to everybody (`pg_locks`). A transaction that lasts for hours, of a backup for example, makes a rotation wait that long.
//! A process that dies leaves the rotation where its last committed turn left it; another goes on from there. Erasure may come
//! between at any point: it destroys all keys of a person, a next key is only made under the lock of one that is there, and
//! none becomes the current one of somebody whose key is destroyed.
//!
//! What lies in an archive is sealed under the keys of its time and stays so: those keys are former ones that are kept
//! (`Vault::keep_for_archive`), until the person is erased.
//!
//! A value that does not open under its own key was altered before. It is left alone and logged, and its key is kept.
//!
//! The index keys are not rotated: other blind indexes would have to be swapped for all rows in one moment, as equal values
//! are looked up by one index only, and what a tenant has handed out is derived from them too (the addresses of callbacks and
//! of unsubscribing). They seal nothing, so nothing wears them out.
//!
//! Encryptions are counted for tenants' data keys, exactly, in the transactions that seal; one that nears the bound of random
//! nonces is replaced by itself. A person's key needs no count: what it seals are the values about one person, of which
//! 2^32 would be thousands of gigabytes, and each rotation starts a new key with as many. A key-encryption key wraps one
//! value a key, so its count is that of the keys, which [`view`] tells.

pub mod change;
mod data;
mod people;
mod store;
mod tenant;
pub mod turn;
pub mod view;
pub mod work;
mod wrapping;

pub use change::{begin_by_itself, start, start_for_installation};
pub use store::columns;

/// What is replaced.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, sqlx::Type, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum What {
    /// All keys are wrapped by the key-encryption key in use; what they seal stays as it is.
    Kek,
    /// The data key of the tenant: credentials of providers, secrets of webhooks and of phone systems.
    Tenant,
    /// The data keys of all people.
    Subjects,
}

impl What {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kek => "kek",
            Self::Tenant => "tenant",
            Self::Subjects => "subjects",
        }
    }

    /// Where it begins.
    fn first(self) -> Phase {
        match self {
            Self::Kek => Phase::Rewrap,
            Self::Tenant | Self::Subjects => Phase::Make,
        }
    }
}

/// How far a rotation has come, in this order.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Phase {
    /// Keys are wrapped anew.
    Rewrap,
    /// The next keys are made.
    Make,
    /// They become the current ones.
    Switch,
    /// Values are sealed anew.
    Reseal,
    /// The former keys are destroyed.
    Destroy,
    Done,
    /// It was stopped, and something else was begun in its place.
    GivenUp,
}

impl Phase {
    /// As it is stored, and as the API names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rewrap => "rewrap",
            Self::Make => "make",
            Self::Switch => "switch",
            Self::Reseal => "reseal",
            Self::Destroy => "destroy",
            Self::Done => "done",
            Self::GivenUp => "given_up",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::columns::{COLUMNS, Under};
    use crate::privacy::manifest;

    type Named = BTreeSet<(&'static str, &'static str, &'static str)>;

    /// Whatever is sealed of a person is in the manifest, and whatever is there is rotated.
    #[test]
    fn what_is_rotated_is_what_the_manifest_says_is_sealed() {
        let of = |under| -> Named {
            let columns = COLUMNS.iter().filter(|column| column.under == under);
            columns.map(|column| (column.table, column.column, column.row)).collect()
        };
        let people: Named = manifest::tables()
            .flat_map(|table| table.sealed().map(|column| (table.name, column.name, table.row)))
            .collect();
        assert_eq!(of(Under::Subject), people);
        let secrets: Named =
            manifest::SECRETS.iter().map(|secret| (secret.table, secret.column, secret.row)).collect();
        assert_eq!(of(Under::Tenant), secrets);
    }
}
