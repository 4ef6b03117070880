//! What agents and teams are called, as far as the viewer may know.

use std::collections::HashMap;

use domain::{
    Ctx,
    access::permission::Permission,
    agents::{people, teams},
};
use uuid::Uuid;

use crate::{dashboard::ui::short, http::problem::Problem};

/// Of a tenant that has more of them, those that are not among the newest are told by their ids.
const KNOWN: i64 = 200;

/// Names by id.
#[derive(Debug, Default)]
pub struct Names(HashMap<Uuid, String>);

impl Names {
    /// Of agents; masked for whoever sees no personal data.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn agents(ctx: &Ctx) -> Result<Self, Problem> {
        if !ctx.grants.contains(Permission::AgentsRead) {
            return Ok(Self::default());
        }
        let agents = people::list(ctx, &people::Filter::default(), None, KNOWN).await?;
        let named = agents.into_iter().filter_map(|agent| Some((agent.id.0, agent.name?.expose().clone())));
        Ok(Self(named.collect()))
    }

    /// Of teams.
    ///
    /// # Errors
    /// If the database does not answer.
    pub async fn teams(ctx: &Ctx) -> Result<Self, Problem> {
        if !ctx.grants.contains(Permission::TeamsRead) {
            return Ok(Self::default());
        }
        let teams = teams::list(ctx, None, KNOWN).await?;
        Ok(Self(teams.into_iter().map(|team| (team.id.0, team.name)).collect()))
    }

    /// The name of one, or the end of its id.
    pub fn of(&self, id: Uuid) -> String {
        self.0.get(&id).cloned().unwrap_or_else(|| short(id))
    }

    /// All that are known, by name.
    pub fn sorted(&self) -> Vec<(Uuid, &str)> {
        let mut all: Vec<(Uuid, &str)> = self.0.iter().map(|(id, name)| (*id, name.as_str())).collect();
        all.sort_by(|one, two| one.1.cmp(two.1).then(one.0.cmp(&two.0)));
        all
    }
}
