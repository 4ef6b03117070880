//! The command line, as the real binary: what it prints, how it ends, and that a dry run changes nothing.

mod ends;
mod jobs;
mod leads;
mod looks;
mod messages;
mod record;
mod work;
