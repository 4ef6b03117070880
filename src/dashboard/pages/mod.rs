//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks
//! - [`jobs`] jobs, and one action on many of them

pub mod door;
pub mod home;
pub mod jobs;
pub mod preferences;
