//! Sequences: the list, one with how it goes and who is on their way, and one lead's way through it.

pub mod enrolment;
pub mod list;
pub mod one;
