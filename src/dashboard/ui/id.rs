//! Ids as people tell things apart by them.

use uuid::Uuid;

/// The end of an id: its beginning is the time, and the same for many.
#[must_use]
pub fn short(id: Uuid) -> String {
    id.simple().to_string().split_off(24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_are_told_apart_by_the_end_of_their_id() {
        let id = Uuid::from_u128(0x0192_0000_0000_7000_8000_1234_5678_9abc);
        assert_eq!(short(id), "56789abc");
    }
}
