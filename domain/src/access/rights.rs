//! What a role gives, and by what a change of rights is measured.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{
    four_roles::default_roles,
    permission::{Permission, PermissionSet},
    roles::ADMIN,
    rows::{RowScope, Rows},
    store,
};
use crate::{
    Ctx,
    ctx::Actor,
    error::{Error, Result},
    tenancy::TenantTx,
    types::{SessionId, TenantId},
};

/// What may be done, and with whose leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights {
    pub permissions: PermissionSet,
    pub scope: RowScope,
}

impl Rights {
    /// What a stored role holds: one of the four what this build says of it, so that what a build adds reaches
    /// them all; one of the tenant's own what was written down.
    #[must_use]
    pub fn of_role(name: &str, built_in: bool, permissions: &[String], scope: RowScope) -> Self {
        if !built_in {
            return Self { permissions: PermissionSet::from_names(permissions), scope };
        }
        let found = default_roles().into_iter().find(|(of, _)| *of == name);
        found.map_or(Self { permissions: PermissionSet::default(), scope: RowScope::Own }, |(_, held)| held)
    }

    /// Whether all of these are in it.
    #[must_use]
    pub fn covers(self, others: Self) -> bool {
        self.permissions.covers(others.permissions) && self.scope >= others.scope
    }
}

/// What a user, by a session that is open if one is named, or a key may do at this moment, and with which leads; none of
/// whoever may not come in any more.
pub(super) async fn held_by(
    conn: &mut PgConnection,
    tenant: TenantId,
    actor: Actor,
    session: Option<SessionId>,
    now: DateTime<Utc>,
) -> Result<Option<(PermissionSet, Rows)>> {
    Ok(match actor {
        Actor::User(user) => {
            let held = store::user_grants(conn, tenant, user, session).await?;
            held.map(|held| (held.rights.permissions, held.rows))
        }
        Actor::ApiKey(key) => {
            let key = store::api_key(conn, key).await?;
            key.and_then(|key| Some((key.grants(now)?, key.rows)))
        }
        Actor::System | Actor::Operator(_) => None,
    })
}

/// The caller with the rights they hold at this moment, in a transaction in which nobody else of the tenant changes
/// rights: what was read when the request came in may have been withdrawn since.
///
/// # Errors
/// If the caller may not come in any more, or does not hold the permission.
pub(crate) async fn held_now(ctx: &Ctx, tx: &mut TenantTx, needed: Permission) -> Result<Ctx> {
    const OVER: Error = Error::Unauthenticated("what you may do has changed; log in again");
    store::lock_role_named(tx.conn(), ctx.tenant, ADMIN).await?;
    let (grants, rows) = match ctx.actor {
        Actor::System | Actor::Operator(_) => (ctx.grants, ctx.rows),
        Actor::User(_) | Actor::ApiKey(_) => {
            held_by(tx.conn(), ctx.tenant, ctx.actor, ctx.session, ctx.now()).await?.ok_or(OVER)?
        }
    };
    let now = Ctx { grants, rows, ..ctx.clone() };
    now.require(needed)?;
    Ok(now)
}

/// What whoever had a piece of work begun may do at this moment; none if they may not come in any more. What the product or
/// an operator has begun goes on by the rights that it has.
///
/// # Errors
/// If the database does not answer.
pub(crate) async fn still_held(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<Ctx>> {
    match ctx.actor {
        Actor::System | Actor::Operator(_) => Ok(Some(ctx.clone())),
        Actor::User(_) | Actor::ApiKey(_) => {
            let held = held_by(tx.conn(), ctx.tenant, ctx.actor, ctx.session, ctx.now()).await?;
            Ok(held.map(|(grants, rows)| Ctx { grants, rows, ..ctx.clone() }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_are_covered_by_permissions_and_by_scope() {
        let of =
            |permission: Permission, scope| Rights { permissions: [permission].into_iter().collect(), scope };
        let team = of(Permission::LeadsRead, RowScope::Team);
        assert!(team.covers(of(Permission::LeadsRead, RowScope::Own)));
        assert!(!team.covers(of(Permission::LeadsRead, RowScope::All)), "sees less");
        assert!(!team.covers(of(Permission::LeadsWrite, RowScope::Own)), "may do less");
    }

    #[test]
    fn one_of_the_four_holds_what_the_build_says_and_an_unknown_one_nothing() {
        let stored = ["leads:read".to_owned()];
        let agent = Rights::of_role("Agent", true, &stored, RowScope::All);
        assert_eq!(agent.scope, RowScope::Own);
        assert!(agent.permissions.contains(Permission::LeadsWrite));
        let own = Rights::of_role("Agent", false, &stored, RowScope::Team);
        assert_eq!((own.permissions.names(), own.scope), (stored.to_vec(), RowScope::Team));
        assert_eq!(
            Rights::of_role("Gone", true, &stored, RowScope::All).permissions,
            PermissionSet::default()
        );
    }
}
