//! Status over WebSockets: what happened, in each tenant's order, once.
//!
//! - [`hub`] one tail of the log for the whole process; [`room`] a tenant's sockets there, [`seat`] what a socket shares with
//!   the hub, [`listener`] its end of that
//! - [`session`] one socket: what was missed, then live; [`told`] an event, written once for all
//! - [`frames`] what else goes over the wire, [`interest`] what a client asks for, [`settings`] how patient we are
//! - [`presence`] an agent's sockets, counted while they are open
//! - [`asyncapi`] the description, and [`CLIENT`] a client in JavaScript

pub mod asyncapi;
pub mod frames;
pub mod hub;
pub mod interest;
pub mod listener;
pub mod presence;
pub mod room;
pub mod seat;
pub mod session;
pub mod settings;
pub mod told;

/// The client of `docs/live.md`: an ES module without dependencies.
pub const CLIENT: &str = include_str!("client.js");
