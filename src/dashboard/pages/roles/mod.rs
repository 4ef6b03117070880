//! Roles: which there are, what each holds, and those of the tenant's own.

pub mod change;
pub mod list;
pub mod one;

use domain::access::permission::{Permission, PermissionSet};

/// A permission with who holds it.
pub struct Line {
    pub name: &'static str,
    pub about: &'static str,
    /// For each of the roles that are shown beside each other.
    pub held: Vec<bool>,
    /// Whether the viewer holds it: nobody gives what they do not hold.
    pub own: bool,
}

/// Permissions of one capability.
pub struct Group {
    pub name: &'static str,
    pub lines: Vec<Line>,
}

/// All permissions in their groups, for some roles beside each other.
#[must_use]
pub fn table(roles: &[PermissionSet], own: PermissionSet) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for permission in Permission::ALL {
        let line = Line {
            name: permission.as_str(),
            about: permission.about(),
            held: roles.iter().map(|role| role.contains(*permission)).collect(),
            own: own.contains(*permission),
        };
        match groups.last_mut().filter(|group| group.name == permission.group()) {
            Some(group) => group.lines.push(line),
            None => groups.push(Group { name: permission.group(), lines: vec![line] }),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_once_under_its_capability() {
        let reader: PermissionSet = [Permission::JobsRead].into_iter().collect();
        let groups = table(&[reader, PermissionSet::all()], reader);
        let lines: Vec<&Line> = groups.iter().flat_map(|group| &group.lines).collect();
        assert_eq!(lines.len(), Permission::ALL.len());
        assert!(lines.iter().all(|line| line.held[1]));
        let held: Vec<&str> = lines.iter().filter(|line| line.held[0]).map(|line| line.name).collect();
        assert_eq!(held, ["jobs:read"]);
        assert!(lines.iter().all(|line| line.own == line.held[0]));
    }
}
