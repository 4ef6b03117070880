//! What people ask for about their data: what is open, the most urgent first, and one request of each kind.
//!
//! - [`list`] the page, `rows` what is in it; [`ask`] requests are taken down
//! - [`access`] somebody wants to see what is held of them; [`erasures`] or to be forgotten, with its `certificate`
//! - [`standing`] restrictions and legal holds; [`words`] states as they are drawn

pub mod access;
pub mod ask;
pub mod certificate;
pub mod erasures;
pub mod list;
mod rows;
pub mod standing;
pub mod words;
