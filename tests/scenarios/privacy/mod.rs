//! What people may ask about their data, and what becomes of it.

pub mod erasure;
mod export;
mod kept;
mod left_out;
mod narrow;
pub mod recovered;
mod remainders;
mod restricted;
mod stays;
