//! Messages: the list with its facets, one with its course, and what the sandbox delivered.
//!
//! - [`list`] the page; `asked` what its address says; `facets` the rail, from the counters of messages
//! - [`one`] a message: its attempts, what was told of it, what can be done with it
//! - [`outbox`] what would have been sent; `wording` how that is shown

mod asked;
mod facets;
pub mod list;
pub mod one;
pub mod outbox;
mod wording;

use std::collections::HashMap;

use domain::{Ctx, access::permission::Permission, messages::accounts};
use uuid::Uuid;

use crate::{dashboard::ui::short, http::problem::Problem};

/// Accounts that are told by their names.
const KNOWN: i64 = 200;

/// What accounts are called, as far as the viewer may know.
#[derive(Debug, Default)]
struct Accounts(HashMap<Uuid, String>);

impl Accounts {
    async fn of(ctx: &Ctx) -> Result<Self, Problem> {
        if !ctx.grants.contains(Permission::ProvidersRead) {
            return Ok(Self::default());
        }
        let all = accounts::list(ctx, None, KNOWN).await?;
        Ok(Self(all.into_iter().map(|account| (account.id.0, account.name)).collect()))
    }

    /// The name of one, or the end of its id.
    fn name(&self, id: Uuid) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| short(id))
    }
}
