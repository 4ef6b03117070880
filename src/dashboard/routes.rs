//! The table of pages: one line for each path, with the right it needs and its place in the navigation.

use std::sync::{Arc, LazyLock};

use axum::{
    handler::Handler,
    routing::{self, MethodRouter},
};
use domain::access::permission::Permission as P;

use super::pages::{door, home, jobs, preferences};
use crate::http::{
    App,
    routes::Access::{self, Needs, Public, SignedIn},
};

/// A path with what answers it.
pub struct Place {
    pub access: Access,
    pub path: &'static str,
    pub methods: MethodRouter<Arc<App>>,
    named: Option<(&'static str, &'static str, char)>,
}

/// An entry of the navigation.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub group: &'static str,
    pub label: &'static str,
    pub path: &'static str,
    /// `g`, then this key, leads there.
    pub key: char,
    needs: Option<P>,
}

impl Entry {
    /// Whether whoever holds this may see it.
    #[must_use]
    pub fn is_for(&self, holds: impl Fn(P) -> bool) -> bool {
        self.needs.is_none_or(holds)
    }
}

impl Place {
    /// Puts it into the navigation.
    fn named(self, group: &'static str, label: &'static str, key: char) -> Self {
        Self { named: Some((group, label, key)), ..self }
    }
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::get(handler), named: None }
}

fn post<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::post(handler), named: None }
}

/// Every path there is.
#[must_use]
pub fn table() -> Vec<Place> {
    [entrance(), work()].into_iter().flatten().collect()
}

/// Coming in, going out, and how it looks.
fn entrance() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops", home::open),
        get(Public, "/ops/login", door::form),
        post(Public, "/ops/login", door::enter),
        post(Public, "/ops/login/code", door::enter_by_code),
        post(Public, "/ops/login/operator", door::enter_operator),
        post(SignedIn, "/ops/logout", door::leave),
        post(SignedIn, "/ops/look", door::look),
        post(Public, "/ops/theme", preferences::theme),
        get(SignedIn, "/ops/{*rest}", home::nowhere),
    ]
}

/// What is done, and by whom.
fn work() -> Vec<Place> {
    vec![
        get(Needs(P::JobsRead), "/ops/jobs", jobs::list::list).named("Work", "Jobs", 'j'),
        get(Needs(P::JobsRead), "/ops/jobs/fresh", jobs::list::fresh),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk", jobs::bulk::preview),
        post(Needs(P::JobsBulk), "/ops/jobs/bulk/run", jobs::bulk::run),
        get(Needs(P::JobsRead), "/ops/jobs/{id}", jobs::one::show_job),
        post(Needs(P::JobsCancel), "/ops/jobs/{id}/cancel", jobs::one::cancel),
        post(Needs(P::JobsRetry), "/ops/jobs/{id}/retry", jobs::one::retry),
        post(Needs(P::JobsDiscard), "/ops/jobs/{id}/discard", jobs::one::discard),
    ]
}

/// The navigation, in the order of the table.
pub static NAVIGATION: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |place: Place| {
        let (group, label, key) = place.named?;
        let needs = match place.access {
            Access::Needs(permission) => Some(permission),
            _ => None,
        };
        Some(Entry { group, label, path: place.path, key, needs })
    };
    table().into_iter().filter_map(entry).collect()
});

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_entry_of_the_navigation_has_a_key_of_its_own() {
        let keys: BTreeSet<char> = NAVIGATION.iter().map(|entry| entry.key).collect();
        assert_eq!(keys.len(), NAVIGATION.len());
    }
}
