//! The queues as a tenant sees them: how deep, how old, what is held, what is bounded.
//!
//! - [`list`] all of them; [`one`] one, with its kinds, pauses and limits
//! - [`steer`] pausing, going on and bounding
//! - `held` who holds a queue, and how it is taken back

mod held;
pub mod list;
pub mod one;
pub mod steer;

use form_urlencoded::byte_serialize;

/// The page of a queue.
#[must_use]
pub fn address(queue: &str) -> String {
    // A blank in a path is no plus sign.
    let name: String = byte_serialize(queue.as_bytes()).collect();
    format!("/ops/queues/{}", name.replace('+', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_has_an_address() {
        assert_eq!(address("messages"), "/ops/queues/messages");
        assert_eq!(address("a b/ü?"), "/ops/queues/a%20b%2F%C3%BC%3F");
    }
}
