//! What a campaign decides, without a clock, chance or a database.
//!
//! - [`lifecycle`] which state may follow which; [`timing`] when a recipient is due; [`breaker`] when failures stop a run;
//!   [`pause`] what people do then
//! - [`winner`] which variant is better; [`budget`] what may be spent; [`attribution`] which message a conversion is owed to

pub mod attribution;
pub mod breaker;
pub mod budget;
pub mod lifecycle;
pub mod pause;
pub mod timing;
pub mod winner;
