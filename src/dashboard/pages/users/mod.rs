//! Users: the list, one of them with their sessions and second factor, and who is invited.

pub mod change;
pub mod invite;
pub mod list;
pub mod one;

use domain::{access::permission::Permission, vault::Personal};

use crate::dashboard::{ui::Tab, viewer::Viewer};

/// The pages about who may come in, as far as the viewer may see them.
pub fn tabs(viewer: &Viewer, current: &str) -> Vec<Tab> {
    let all = [
        ("Users", "/ops/users", Permission::UsersRead),
        ("Roles", "/ops/roles", Permission::RolesRead),
        ("API keys", "/ops/api-keys", Permission::ApiKeysRead),
    ];
    let seen = all.into_iter().filter(|(_, _, permission)| viewer.may(*permission));
    seen.map(|(word, href, _)| Tab::new(word, href, word == current)).collect()
}

/// A personal value for a page; of somebody who was erased there is none.
pub fn said(value: Option<&Personal<String>>) -> String {
    value.map_or_else(|| "erased".to_owned(), |value| value.expose().clone())
}
