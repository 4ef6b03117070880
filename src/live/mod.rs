//! Status over WebSockets: what happened, in each tenant's order, once.
//!
//! - [`hub`] one tail of the log for the whole process, fanned out to bounded queues
//! - [`frames`] what goes over the wire, and who may see what
//! - [`session`] one socket: replay what was missed, then live
//! - [`presence`] an agent's sockets, counted while they are open

pub mod frames;
pub mod hub;
pub mod presence;
pub mod session;
