//! What is shown of personal data to whoever may not see it in full: enough to tell that something is there, not
//! whom it is about.

const HIDDEN: &str = "•••";

/// The first letter of each of the first three words: `A••• L•••`. Lengths do not show.
#[must_use]
pub fn name(name: &str) -> String {
    let words = name.split_whitespace().take(3).filter_map(|word| word.chars().next());
    words.map(|first| format!("{first}{HIDDEN}")).collect::<Vec<_>>().join(" ")
}

/// The last two digits: `•••03`.
#[must_use]
pub fn phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    let shown = if digits.len() > 6 { &digits[digits.len() - 2..] } else { &[] };
    format!("{HIDDEN}{}", shown.iter().collect::<String>())
}

/// The first letter and the domain: `a•••@example.com`.
#[must_use]
pub fn email(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => {
            format!("{}{HIDDEN}@{domain}", local.chars().next().map(String::from).unwrap_or_default())
        }
        None => HIDDEN.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_is_left_of_names_numbers_and_addresses() {
        for (mask, plain, shown) in [
            (name as fn(&str) -> String, "Ada Lovelace", "A••• L•••"),
            (name, "Ω", "Ω•••"),
            (name, "  ", ""),
            (name, "😀 Ada", "😀••• A•••"),
            (name, "a b c d e", "a••• b••• c•••"),
            (phone, "+4915112345603", "•••03"),
            (phone, "110", "•••"),
            (phone, "", "•••"),
            (email, "ada@example.com", "a•••@example.com"),
            (email, "a@example.com", "a•••@example.com"),
            (email, "@example.com", "•••@example.com"),
            (email, "no address", "•••"),
            (email, "üñí@x.de", "ü•••@x.de"),
        ] {
            assert_eq!(mask(plain), shown, "{plain}");
        }
    }
}
