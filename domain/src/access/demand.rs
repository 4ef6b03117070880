//! A second factor that a tenant demands: what its users may do without one.
//!
//! The demand is made of logins. API keys have no second factor, and work that somebody has begun goes on.

use super::permission::PermissionSet;
use crate::error::{Error, Result};

/// How a user stands to what their tenant demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// The tenant demands a second factor.
    pub demanded: bool,
    /// The user has confirmed one.
    pub confirmed: bool,
}

impl Standing {
    /// Whether whoever has logged in can only set a second factor up, and do what everybody does about themselves.
    pub fn only_enrols(self, by_login: bool) -> bool {
        by_login && self.demanded && !self.confirmed
    }

    /// What is left of a role's permissions.
    pub fn leaves(self, by_login: bool, permissions: PermissionSet) -> PermissionSet {
        if self.only_enrols(by_login) { PermissionSet::default() } else { permissions }
    }

    /// Whether the user may have the tenant demand one.
    ///
    /// # Errors
    /// A conflict if they have none: their next request would be refused.
    pub fn lets_demand(self) -> Result<()> {
        if self.confirmed {
            return Ok(());
        }
        let detail = "you have no second factor yourself; set yours up first, then demand it of everybody";
        Err(Error::conflict("second-factor-missing", detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::permission::Permission;

    #[test]
    fn only_a_login_without_a_factor_that_is_demanded_is_limited() {
        let all: PermissionSet = [Permission::TenantRead].into_iter().collect();
        for (demanded, confirmed, by_login, limited) in [
            (true, false, true, true),
            (true, true, true, false),
            (false, false, true, false),
            (false, true, true, false),
            (true, false, false, false),
        ] {
            let standing = Standing { demanded, confirmed };
            assert_eq!(standing.only_enrols(by_login), limited, "{standing:?} {by_login}");
            let left = if limited { PermissionSet::default() } else { all };
            assert_eq!(standing.leaves(by_login, all), left, "{standing:?} {by_login}");
            assert_eq!(standing.lets_demand().is_ok(), confirmed);
        }
    }
}
