//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks

pub mod door;
pub mod home;
pub mod preferences;
