//! The tables of agents and teams, with what belongs to them.

mod abilities;
mod agents;
mod presence;
mod rules;
mod shown;
mod skills;
mod teams;

pub(crate) use abilities::shifts;
pub(super) use abilities::{
    agent_skills, capacities, put_agent_skills, put_capacities, put_shifts, share_skills,
};
pub(crate) use agents::{HeldAgent, is_there, lock_agent, team_of};
pub(super) use agents::{
    Linked, give_back, has_open_leads, insert_agent, mark_deleted, update_agent, update_status,
};
pub(super) use presence::{
    count_in, count_out, count_out_the_lost, forget_departure, gone, lock_agent_of, presence, share_agent_of,
    tenants_with_gone,
};
pub(crate) use rules::share_agent;
pub(super) use rules::{is_agent_in_rules, lock_agent_whole};
pub(super) use shown::{agents, sealed_names};
pub(super) use skills::{delete_skill, insert_skill, lock_skill, skills, teams_waiting_for, update_skill};
pub(crate) use teams::share_team;
pub(super) use teams::{
    delete_team, insert_team, is_in_rules, lock_team, lock_team_whole, overflows, team_uses, teams,
    update_team, wrap_up_s,
};
