//! One entry of the audit log with what was there before, and how far the chain is signed and was gone through.

use chrono::TimeDelta;
use engine::ids;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Entry,
    read::EntryView,
    report::NewestHead,
    store::{self, Place},
};
use crate::{
    Ctx,
    access::permission::Permission,
    archive::store::restored_entry,
    error::{Error, Result},
};

/// An id says in which millisecond it was made, by the clock of the process; the entry has the time of the database.
const APART: TimeDelta = TimeDelta::hours(1);
/// Entries that are looked through for what was there before, how far back, and how many of one thing are read.
const LOOKED_AT: i64 = 5_000;
const BACK: TimeDelta = TimeDelta::days(92);
const OF_THING: i64 = 50;

/// An entry, and what was there before.
#[derive(Debug, Clone)]
pub struct EntryWhole {
    pub entry: EntryView,
    /// What it says of the thing, field by field.
    pub fields: Vec<Field>,
    /// What was done with the same thing before, the newest first: as far as it is among the 5,000 entries before.
    pub earlier: Vec<EntryView>,
}

/// One field of what an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    /// What an earlier entry about the same thing said of it, and which one.
    pub before: Option<(Value, Uuid)>,
    pub after: Value,
}

/// How far the chain is.
#[derive(Debug, Clone)]
pub struct Course {
    /// The place that was signed last.
    pub head: Option<NewestHead>,
    /// The entry that says when the chain was gone through last, and what came of it.
    pub verified: Option<EntryView>,
}

/// One entry, also of those that were brought back from the archive. The look is recorded.
///
/// # Errors
/// If the permission is missing, or there is none of this id.
pub async fn entry(ctx: &Ctx, id: Uuid) -> Result<EntryWhole> {
    ctx.require(Permission::AuditRead)?;
    // What was made at no time was not made here.
    let made = ids::made_at(id).ok_or(Error::NotFound("entry"))?;
    let span = (made - APART, made + APART);
    let mut tx = ctx.begin().await?;
    let entry = match store::entry(tx.conn(), ctx.tenant, id, span).await? {
        Some(entry) => entry,
        None => restored_entry(tx.conn(), ctx.tenant, id, span).await?.ok_or(Error::NotFound("entry"))?,
    };
    let earlier = match entry.resource_id.as_deref().filter(|thing| !thing.is_empty()) {
        Some(thing) => {
            let place: Place = (entry.at, entry.id);
            let (thing, since) = ((entry.resource.as_str(), thing), (entry.at - BACK, place));
            store::earlier(tx.conn(), ctx.tenant, thing, since, (LOOKED_AT, OF_THING)).await?
        }
        None => Vec::new(),
    };
    tx.audit(&[Entry::new("read", "audit_log", "").detail(json!({ "entry_id": id }))]).await?;
    tx.commit().await?;
    Ok(EntryWhole { fields: fields(&entry.detail, &earlier), entry, earlier })
}

/// What an entry says field by field, with what the entries before it said of the same: the newest that named it.
fn fields(detail: &Value, earlier: &[EntryView]) -> Vec<Field> {
    let said = |name: &str| {
        earlier.iter().find_map(|entry| {
            let before = entry.detail.get(name).filter(|before| !before.is_null())?;
            Some((before.clone(), entry.id))
        })
    };
    let named = detail.as_object().into_iter().flatten().filter(|(_, after)| !after.is_null());
    named
        .map(|(name, after)| Field { name: name.clone(), before: said(name), after: after.clone() })
        .collect()
}

/// How far the chain is signed, and when it was gone through last. Nothing of it is gone through for that.
///
/// # Errors
/// If the permission is missing or the database does not answer.
pub async fn course(ctx: &Ctx) -> Result<Course> {
    ctx.require(Permission::AuditRead)?;
    let mut tx = ctx.begin().await?;
    let head = store::newest_head(tx.conn(), ctx.tenant).await?;
    let verified = store::verified(tx.conn(), ctx.tenant).await?;
    Ok(Course { head, verified })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn entry(id: u128, detail: Value) -> EntryView {
        EntryView {
            id: Uuid::from_u128(id),
            at: DateTime::UNIX_EPOCH,
            seq: None,
            actor_kind: "system".into(),
            actor_id: None,
            action: "update".into(),
            resource: "user".into(),
            resource_id: None,
            outcome: "done".into(),
            severity: None,
            detail,
            request_id: None,
        }
    }

    #[test]
    fn before_is_what_the_newest_entry_said_that_named_the_field() {
        let earlier = [
            entry(3, json!({"role": null, "disabled": true})),
            entry(2, json!({"role": "Manager"})),
            entry(1, json!({"role": "Agent", "disabled": false})),
        ];
        let found = fields(&json!({"role": "Admin", "disabled": null, "name": "x"}), &earlier);
        let wanted = [
            Field { name: "name".into(), before: None, after: json!("x") },
            Field {
                name: "role".into(),
                before: Some((json!("Manager"), Uuid::from_u128(2))),
                after: json!("Admin"),
            },
        ];
        for field in &wanted {
            assert!(found.contains(field), "{field:?} in {found:?}");
        }
        assert_eq!(found.len(), wanted.len());
        assert!(fields(&json!([1]), &earlier).is_empty());
    }
}
