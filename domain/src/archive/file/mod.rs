//! The form of a file: JSON lines in zstd frames (RFC 8878), a frame for so many rows, so that what is in the middle is
//! found without all that comes before it. Written and read as streams.

mod pack;
mod unpack;

pub(super) use pack::{Packed, Packing};
pub(super) use unpack::Unpacking;

/// Rows of one frame.
const FRAME: i64 = 10_000;
/// How hard it is compressed: the usual level of zstd.
const LEVEL: i32 = 3;
/// A line is never as long: details of entries are small, and what is sent has its own bounds.
const LONGEST_LINE: usize = 16 << 20;
