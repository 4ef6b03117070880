//! The route table: one line for each route, with the right it needs, in the file of its area.

mod access;
mod agents;
mod analytics;
mod calls;
mod campaigns;
mod gamification;
mod leads;
mod messages;
mod privacy;
mod process;
mod webhooks;
mod work;

use std::sync::Arc;

use domain::access::permission::Permission as P;
use utoipa_axum::router::UtoipaMethodRouter;

use super::App;

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    Public,
    /// Whoever signs what they send: the handler looks, and counts whose signature does not hold.
    Signed,
    /// Anyone with a valid token or key; the command decides about the rest.
    SignedIn,
    Needs(P),
    /// Operators of the installation, and nobody of a tenant.
    Operator,
}

type Route = (Access, UtoipaMethodRouter<Arc<App>>);

/// Every route there is.
#[must_use]
pub fn table() -> Vec<Route> {
    [
        process::process(),
        access::access(),
        agents::agents(),
        leads::leads(),
        messages::messages(),
        messages::wishes(),
        privacy::privacy(),
        calls::calls(),
        webhooks::webhooks(),
        campaigns::campaigns(),
        campaigns::sequences(),
        analytics::analytics(),
        gamification::games(),
        gamification::prizes(),
        leads::scoring(),
        leads::routing(),
        analytics::exports(),
        work::work(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
