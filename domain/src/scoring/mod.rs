//! How promising leads are: 0 to 100, by a model that a tenant can change.
//!
//! - [`model`] what scores: [`points`] in four parts, with [`decay`], or [`fitted`] to outcomes by its [`traits`]; pure
//! - [`apply`] one lead now, many as a job; [`refresh`] what has faded; [`history`] what a score was
//! - [`manage`] drafts, and which model is in force; [`preview`] what a draft would change
//! - [`fit`] learning a model from outcomes
//! - [`rank`] the leads by their score
//! - `read` from rows to what models look at; `store` the tables

pub mod apply;
pub mod decay;
pub mod fit;
pub mod fitted;
pub mod history;
pub mod manage;
pub mod model;
pub mod points;
pub mod preview;
pub mod rank;
mod read;
pub mod refresh;
pub(crate) mod store;
pub mod traits;
