//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks
//! - [`jobs`] jobs, and one action on many of them
//! - [`leads`] leads; [`messages`] messages and the sandbox's outbox; [`privacy`] what people ask for about their data

pub mod door;
pub mod home;
pub mod jobs;
pub mod leads;
pub mod messages;
pub mod preferences;
pub mod privacy;
