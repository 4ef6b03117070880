//! The pages, a file or a folder for each.
//!
//! - [`door`] coming in and going out; [`home`] the beginning; [`preferences`] how it looks
//! - [`jobs`] jobs, and one action on many of them
//! - [`workflows`] runs as graphs of their steps
//! - [`campaigns`] and [`sequences`] what is sent to many, and how far it is
//! - [`sockets`] how many there are, and what came to them

pub mod campaigns;
pub mod door;
pub mod home;
pub mod jobs;
pub mod preferences;
pub mod sequences;
pub mod sockets;
pub mod workflows;
