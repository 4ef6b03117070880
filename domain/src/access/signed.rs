//! What its bearer may do, as a token says it: nobody need be asked, as long as nothing has changed since.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{
    four_roles::default_roles,
    permission::{Permission, PermissionSet},
    rights::Rights,
    rows::Rows,
    store::Grants,
};
use crate::{types::RoleId, vault::cipher::sha256};

/// What somebody could do when their token was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedRights {
    /// Which list of permissions it is told by.
    #[serde(with = "digits")]
    list: u128,
    /// The permissions, a bit for each.
    #[serde(with = "digits")]
    may: u128,
    rows: Rows,
    /// Requests a second of the tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pace: Option<u32>,
    /// What gives the permissions.
    role: RoleId,
    /// The first transaction that was not over when this was read: what it changed, and what later ones did, is not in
    /// here.
    since: i64,
    /// The history that its number is of.
    era: i64,
}

/// The permissions of this build in their order, and what the four roles hold: what another build says is never read by
/// this one's list.
static LIST: LazyLock<u128> = LazyLock::new(|| {
    let names = Permission::ALL.iter().map(|permission| permission.as_str().to_owned());
    let roles = default_roles()
        .into_iter()
        .map(|(name, held)| format!("{name} {} {}", held.scope.as_str(), held.permissions.names().join(" ")));
    fingerprint(names.chain(roles))
});

/// 64 bits of SHA-256 over lines.
fn fingerprint(lines: impl Iterator<Item = String>) -> u128 {
    let hash = sha256(lines.collect::<Vec<_>>().join("\n").as_bytes());
    hash[..8].iter().fold(0, |sum, byte| (sum << 8) | u128::from(*byte))
}

impl SignedRights {
    pub(super) fn of(held: &Grants) -> Self {
        let (may, rows, pace) = (held.rights.permissions.bits(), held.rows, held.pace);
        Self { list: *LIST, may, rows, pace, role: held.role, since: held.since, era: held.era }
    }

    /// What it says of a version of rights; none if another build has made it, which has another list.
    pub(super) fn read(&self, version: i64) -> Option<Grants> {
        let rights = Rights { permissions: PermissionSet::from_bits(self.may), scope: self.rows.scope() };
        let Self { rows, pace, role, since, era, .. } = *self;
        // Nothing is signed of whoever has to set a second factor up first.
        let held = Grants { version, rights, rows, pace, role, enrols: false, since, era };
        (self.list == *LIST).then_some(held)
    }
}

/// As hexadecimal digits: many programs read numbers of JSON with 53 bits.
mod digits {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bits: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{bits:x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use chrono::DateTime;
    use serde_json::{Value, json};
    use uuid::Uuid;
    use zeroize::Zeroizing;

    use super::*;
    use crate::{
        access::token::{Claims, Signer},
        types::{AgentId, SessionId, TeamId, TenantId, UserId},
        vault::DataKey,
    };

    #[test]
    fn rights_are_read_as_they_were_signed_and_those_of_another_list_not_at_all() {
        let may = [Permission::TenantRead, Permission::EventsRead].into_iter().collect();
        let (team, agent) = (TeamId(Uuid::from_u128(1)), AgentId(Uuid::from_u128(2)));
        for rows in [Rows::All, Rows::Team(team), Rows::Own(Some(agent)), Rows::Own(None)] {
            let rights = Rights { permissions: may, scope: rows.scope() };
            let (role, era) = (RoleId(Uuid::from_u128(4)), (1_i64 << 53) - 1);
            let held =
                Grants { version: 3, rights, rows, pace: Some(7), role, enrols: false, since: 1 << 40, era };
            let text = serde_json::to_string(&SignedRights::of(&held)).expect("JSON");
            let signed: SignedRights = serde_json::from_str(&text).expect("what was written");
            let again = signed.read(3).expect("of this build");
            assert_eq!((again.rights, again.rows), (rights, rows), "{text}");
            assert_eq!((again.version, again.pace, again.role), (3, Some(7), role), "{text}");
            assert_eq!((again.since, again.era), (1 << 40, era), "{text}");
            let other = SignedRights { list: signed.list ^ 1, ..signed };
            assert!(other.read(3).is_none(), "{text}");
        }
    }

    #[test]
    fn another_order_or_another_name_is_another_list() {
        let of = |names: &[&str]| fingerprint(names.iter().map(|name| (*name).to_owned()));
        let list = of(&["a", "b"]);
        assert_eq!(list, of(&["a", "b"]));
        for other in [of(&["b", "a"]), of(&["a"]), of(&["a", "b", "c"]), of(&["a", "c"])] {
            assert_ne!(list, other);
        }
    }

    #[test]
    fn no_rights_are_had_that_the_signature_does_not_cover() {
        let seed = DataKey { id: Uuid::from_u128(1), bytes: Zeroizing::new([1; 32]) };
        let (signer, now) = (Signer::new(&seed).expect("a signer"), DateTime::UNIX_EPOCH);
        let id = Uuid::from_u128;
        let none = Claims::new(TenantId(id(1)), UserId(id(2)), SessionId(id(3)), 1, now);
        let rts = |change: Value| {
            let role = id(4);
            let mut rights =
                json!({"list": "1", "may": "1", "rows": {"own": null}, "role": role, "since": 5, "era": 8});
            rights.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
            rights
        };
        let few: SignedRights = serde_json::from_value(rts(json!({}))).expect("rights");
        let few = Claims { rts: Some(few), ..none.clone() };
        for claims in [none, few] {
            let token = signer.sign(&claims).expect("a token");
            assert_eq!(signer.check(&token, now).expect("ours"), claims);
            let parts: Vec<&str> = token.split('.').collect();
            for change in [
                json!({"may": "ff"}),
                json!({"rows": "all"}),
                json!({"list": "2"}),
                json!({"role": id(5)}),
                json!({"since": 6}),
                json!({"era": 9}),
                json!({"pace": 1_000_000}),
            ] {
                let mut forged = serde_json::to_value(&claims).expect("JSON");
                forged["rts"] = rts(change);
                let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
                let forged = signer.check(&format!("{}.{forged}.{}", parts[0], parts[2]), now);
                assert!(forged.is_err(), "{claims:?}: {forged:?}");
            }
        }
    }
}
