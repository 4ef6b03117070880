//! Who works here.

use domain::access::permission::Permission as P;
use utoipa_axum::routes;

use super::{Access::Needs, Route};
use crate::http::api::{abilities, agents, skills, teams};

/// Who takes calls and leads, and when.
pub(super) fn agents() -> Vec<Route> {
    vec![
        (Needs(P::TeamsWrite), routes!(teams::create_team)),
        (Needs(P::TeamsRead), routes!(teams::list_teams)),
        (Needs(P::TeamsRead), routes!(teams::get_team)),
        (Needs(P::TeamsWrite), routes!(teams::change_team)),
        (Needs(P::TeamsDelete), routes!(teams::delete_team)),
        (Needs(P::AgentsWrite), routes!(agents::create_agent)),
        (Needs(P::AgentsRead), routes!(agents::list_agents)),
        (Needs(P::AgentsRead), routes!(agents::get_agent)),
        (Needs(P::AgentsStatus), routes!(agents::change_agent)),
        (Needs(P::AgentsStatus), routes!(agents::set_agent_status)),
        (Needs(P::AgentsDelete), routes!(agents::delete_agent)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_skills)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_skills)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_capacities)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_capacities)),
        (Needs(P::AgentsRead), routes!(abilities::get_agent_shifts)),
        (Needs(P::AgentsWrite), routes!(abilities::put_agent_shifts)),
        (Needs(P::SkillsWrite), routes!(skills::create_skill)),
        (Needs(P::SkillsRead), routes!(skills::list_skills)),
        (Needs(P::SkillsRead), routes!(skills::get_skill)),
        (Needs(P::SkillsWrite), routes!(skills::replace_skill)),
        (Needs(P::SkillsDelete), routes!(skills::delete_skill)),
    ]
}
