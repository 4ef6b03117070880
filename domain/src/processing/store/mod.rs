//! The tables of the record of processing and of what was read, and the query over who was affected.

pub(super) mod breach;
pub(super) mod reads;
pub(super) mod record;
pub(super) mod standing;

pub(crate) use reads::drop_old;
