//! The table of pages: one line for each path, with the right it needs and its place in the navigation. The lines
//! stand in a file for each group of the navigation.

mod entrance;
mod house;
mod people;
mod work;

use std::sync::{Arc, LazyLock};

use axum::{
    handler::Handler,
    routing::{self, MethodRouter},
};
use domain::access::permission::Permission as P;

use crate::http::{App, routes::Access};

/// A path with what answers it.
pub struct Place {
    pub access: Access,
    pub path: &'static str,
    pub methods: MethodRouter<Arc<App>>,
    named: Option<(&'static str, &'static str, char)>,
    shown_to: &'static [P],
    to_operators: bool,
}

/// An entry of the navigation.
#[derive(Debug, Clone)]
pub struct Entry {
    pub group: &'static str,
    pub label: &'static str,
    pub path: &'static str,
    /// `g`, then this key, leads there.
    pub key: char,
    /// Any one of these; nothing where there is none.
    needs: Vec<P>,
    to_operators: bool,
    only_operators: bool,
}

impl Entry {
    /// Whether whoever holds this may see it, or operates the installation.
    #[must_use]
    pub fn is_for(&self, holds: impl Fn(P) -> bool, operates: bool) -> bool {
        let held = self.needs.is_empty() || self.needs.iter().any(|permission| holds(*permission));
        (held && !self.only_operators) || (self.to_operators && operates)
    }
}

impl Place {
    /// Puts it into the navigation.
    fn named(self, group: &'static str, label: &'static str, key: char) -> Self {
        Self { named: Some((group, label, key)), ..self }
    }

    /// Has the navigation show it to whoever holds one of these, where the path itself asks for no single one.
    fn shown_to(self, any_of: &'static [P]) -> Self {
        Self { shown_to: any_of, ..self }
    }

    /// And to operators of the installation, whether they look into a tenant or not.
    fn and_operators(self) -> Self {
        Self { to_operators: true, ..self }
    }
}

fn get<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::get(handler), named: None, shown_to: &[], to_operators: false }
}

fn post<H: Handler<T, Arc<App>>, T: 'static>(access: Access, path: &'static str, handler: H) -> Place {
    Place { access, path, methods: routing::post(handler), named: None, shown_to: &[], to_operators: false }
}

/// Every path there is.
#[must_use]
pub fn table() -> Vec<Place> {
    [
        entrance::entrance(),
        work::beginning(),
        work::work(),
        work::machinery(),
        work::runs(),
        work::figures(),
        people::people(),
        people::mailings(),
        people::games(),
        house::house(),
        house::people_in(),
        house::record(),
        house::requests(),
        house::sockets(),
        house::settled(),
        entrance::own(),
        house::installation(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The navigation, in the order of the table.
pub static NAVIGATION: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let entry = |place: Place| {
        let (group, label, key) = place.named?;
        let needs = match place.access {
            Access::Needs(permission) => vec![permission],
            _ => place.shown_to.to_vec(),
        };
        let only_operators = matches!(place.access, Access::Operator);
        let to_operators = place.to_operators || only_operators;
        Some(Entry { group, label, path: place.path, key, needs, to_operators, only_operators })
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
