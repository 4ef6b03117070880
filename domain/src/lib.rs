//! The business, one folder for each capability: `rules.rs` decides and is pure, `store.rs` holds
//! the SQL, the commands say what may be asked.
//!
//! - [`ctx`] who is asking; [`error`] what a command can answer; [`types`] and [`moment`] values that cannot be bad
//! - [`expected`] for which version of a thing a change was made
//! - [`tenancy`] the wall between tenants; [`access`] users, roles, keys; [`audit`] who changed what, [`archive`] where it
//!   goes when it is old
//! - [`vault`] encryption of secrets and of personal data; [`events`] what watchers are told
//! - [`outbound`] what of the outside world may be called; [`storage`] files of tenants
//! - [`schedules`] what begins by itself; [`workflows`] procedures of many steps; [`jobs`] work as people steer it
//! - [`privacy`] what is held of people, and their rights to it; [`processing`] the account that is given of it
//! - [`upkeep`] what nobody asked for but must be done; `spreadsheet` cells of files, `words` of enums, `wall_clock` instants
//! - [`vitals`] how the installation is, in numbers
//! - [`trace`] where a request stands in a trace, as jobs take it along
//! - [`webhooks`] servers outside that are told of events
//! - [`agents`], [`leads`], [`scoring`], [`routing`] who calls whom; [`calls`] what is said; [`messages`] what is sent to them
//! - [`analytics`] what the work comes to, in figures
//! - [`campaigns`] the same message to many leads, each once; [`sequences`] several to each lead, one after the other
//! - [`gamification`] points for what agents do, and what comes of points

pub mod access;
pub mod agents;
pub mod analytics;
pub mod archive;
pub mod audit;
pub mod bounded;
pub mod calls;
pub mod campaigns;
pub mod ctx;
pub mod error;
pub mod events;
pub mod expected;
pub mod gamification;
pub mod jobs;
pub mod leads;
pub mod messages;
pub mod moment;
pub mod outbound;
pub mod privacy;
pub mod processing;
pub mod routing;
pub mod schedules;
pub mod scoring;
pub mod sequences;
mod spreadsheet;
pub mod storage;
pub mod tenancy;
pub mod trace;
pub mod types;
pub mod upkeep;
pub mod vault;
pub mod vitals;
mod wall_clock;
pub mod webhooks;
mod words;
pub mod workflows;

pub use ctx::Ctx;
pub use error::{Error, Result};
