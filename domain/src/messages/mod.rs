//! What is sent to people, and the promise that it is sent once.
//!
//! - [`rules`] pure: the lattice of statuses, what an answer means; [`template`] rendering, bounded
//! - [`provider`] what an adapter at the rim must do; [`accounts`] the rows that name one
//! - [`templates`] the commands on templates; [`wording`] a version ready to be filled in
//! - [`send`] the command, `accept` what it may be given; [`to_lead`] the same as a step of a workflow, `to_addresses` to addresses that the tenant has named, `of_run` where its run is stopped, `of_subject` and [`forget`] where the person is erased, `to_leads` to many, `to_many` to those of a campaign; [`recipient`] whom it is to, by channel
//! - [`attempt`] the fence around each attempt; [`reconcile`] what becomes of messages of unknown fate, `restored` those
//!   of a restored database
//! - [`gates`] what is asked at the moment of sending: [`consents`], [`suppressions`], [`policy`], and by `whereabouts` where
//!   somebody is
//! - [`callback`] what a provider tells by itself; [`callbacks`] takes it in; [`inbound`] what people write
//! - pure as well: [`segments`] of a short message, [`locale`] which one is nearest, [`zones`] of a number, [`keywords`] that
//!   people write, [`signatures`] of providers, [`dsn`] mails that come back, [`verp`] to which message
//! - [`read`] lists and single messages; [`cancel`] one that waits; [`stats`] figures; [`outbox`] the sandbox's;
//!   `bounded` pages of what may be large
//! - `store` the tables

pub(crate) mod accept;
pub mod accounts;
pub mod attempt;
pub mod callback;
pub mod callbacks;
pub mod cancel;
pub mod consents;
pub mod dsn;
pub mod forget;
pub mod gates;
pub mod inbound;
pub mod keywords;
pub mod locale;
pub(crate) mod of_run;
pub(crate) mod of_subject;
pub mod outbox;
pub mod policy;
pub mod provider;
pub mod read;
pub mod recipient;
pub mod reconcile;
pub(crate) mod restored;
pub mod rules;
pub mod segments;
pub mod send;
pub mod signatures;
pub mod stats;
pub(crate) mod store;
pub mod suppressions;
pub mod template;
pub mod templates;
pub(crate) mod to_addresses;
pub mod to_lead;
pub(crate) mod to_leads;
pub(crate) mod to_many;
pub mod verp;
mod whereabouts;
pub mod wording;
pub mod zones;
