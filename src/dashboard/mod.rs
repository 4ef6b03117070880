//! The pages under `/ops`, for whoever runs the work. They ask the same functions as the API; how a page is added
//! stands in `docs/dashboard.md`.
//!
//! - [`routes`] the table: one line for each path with the right it needs and its place in the navigation; [`router`]
//!   makes it answer; [`pages`] the handlers, a file or a folder for each page
//! - [`guard`] proves who asks by `cookies`, from which site (`origin`) and for what; [`viewer`] who that is
//! - [`page`] what stands around every page, [`forms`] what is sent, [`asked`] what forms and addresses say, [`link`] addresses with filters in them,
//!   `refused` failures as pages
//! - [`reference`](mod@reference) the description of the API as a page, at `/docs`; [`problems`] what its refusals mean, at `/problems`
//! - [`ui`] the parts that pages are made of; [`assets`] styles and scripts, all of them embedded

pub mod asked;
pub mod assets;
mod cookies;
pub mod forms;
pub mod guard;
pub mod link;
mod origin;
pub mod page;
pub mod pages;
pub mod problems;
pub mod reference;
mod refused;
pub mod router;
pub mod routes;
pub mod ui;
pub mod viewer;
