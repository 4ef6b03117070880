//! Coming in, and what everybody settles about themselves.

use domain::access::permission::Permission as P;

use super::{
    Access::{Needs, Public, SignedIn},
    Place, get, post,
};
use crate::{
    dashboard::pages::{account, door, home, preferences},
    http::api::sockets::create_ticket,
};

/// Coming in, going out, and how it looks.
pub(super) fn entrance() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops", home::open),
        get(Public, "/ops/login", door::form),
        post(Public, "/ops/login", door::enter),
        post(Public, "/ops/login/code", door::enter_by_code),
        post(Public, "/ops/login/operator", door::enter_operator),
        post(SignedIn, "/ops/logout", door::leave),
        post(SignedIn, "/ops/look", door::look),
        post(Needs(P::EventsRead), "/ops/tickets", create_ticket),
        post(Public, "/ops/theme", preferences::theme),
        get(SignedIn, "/ops/{*rest}", home::nowhere),
    ]
}

/// What everybody settles about themselves.
pub(super) fn own() -> Vec<Place> {
    vec![
        get(SignedIn, "/ops/account", account::show_account),
        post(SignedIn, "/ops/account/zone", preferences::zone),
        post(SignedIn, "/ops/account/sessions/end", account::end_sessions),
        get(SignedIn, "/ops/account/password", account::password::form),
        post(SignedIn, "/ops/account/password", account::password::change),
        get(SignedIn, "/ops/account/second-factor", account::second_factor::form),
        post(SignedIn, "/ops/account/second-factor", account::second_factor::offer),
        post(SignedIn, "/ops/account/second-factor/confirm", account::second_factor::confirm),
        post(SignedIn, "/ops/account/second-factor/remove", account::second_factor::remove),
        get(Public, "/ops/password", account::password::by_link),
        post(Public, "/ops/password", account::password::set_by_link),
    ]
}
