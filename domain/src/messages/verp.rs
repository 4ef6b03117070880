//! The return path of a mail, which says in a bounce which message came back. Pure.

use uuid::Uuid;

use crate::types::MessageId;

const PREFIX: &str = "bounces+";

/// The envelope's sender of a message, in a domain whose mail comes back to us.
#[must_use]
pub fn return_path(message: MessageId, domain: &str) -> String {
    format!("{PREFIX}{}@{domain}", message.0.simple())
}

/// The message of a return path, or of any address that holds one; none if it is no such address.
#[must_use]
pub fn message_of(address: &str) -> Option<MessageId> {
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let (local, _) = address.rsplit_once('@')?;
    let start = local.get(..PREFIX.len())?;
    let id = local.get(PREFIX.len()..)?;
    if !start.eq_ignore_ascii_case(PREFIX) || id.len() != 32 {
        return None;
    }
    Uuid::try_parse(id).ok().map(MessageId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_path_leads_back_to_its_message() {
        let message = MessageId(Uuid::from_u128(0x0192_e4a0));
        let path = return_path(message, "bounces.example.com");
        assert_eq!(path, "bounces+0000000000000000000000000192e4a0@bounces.example.com");
        for form in [path.clone(), format!("<{path}>"), path.to_uppercase()] {
            assert_eq!(message_of(&form), Some(message), "{form}");
        }
        for other in ["", "ada@example.com", "bounces+1@example.com", "bounces+é@x", "@", "bounces+"] {
            assert_eq!(message_of(other), None, "{other}");
        }
    }
}
