//! Which of the locales that there are is nearest to the one that is wanted: look-up of RFC 4647, section 3.4. Pure.

/// Picks one of `there`. The wanted tag is shortened from its end until one fits (`de-AT`, then `de`); then any of the same
/// language will do (`de-CH`), then the one without a locale (an empty text), then the first. None if there are none.
#[must_use]
pub fn pick<'t>(wanted: &str, there: &[&'t str]) -> Option<&'t str> {
    let find = |tag: &str| there.iter().copied().find(|one| one.eq_ignore_ascii_case(tag));
    let mut tag = wanted;
    while !tag.is_empty() {
        if let Some(found) = find(tag) {
            return Some(found);
        }
        let shorter = tag.rsplit_once('-').map_or("", |(shorter, _)| shorter);
        // What is left of an extension is no tag: a single letter goes with what it began.
        tag = match shorter.rsplit_once('-') {
            Some((shortest, single)) if single.len() == 1 => shortest,
            _ => shorter,
        };
    }
    let language = wanted.split('-').next().filter(|language| !language.is_empty());
    let is_same = |one: &&str| {
        language
            .is_some_and(|language| one.split('-').next().is_some_and(|of| of.eq_ignore_ascii_case(language)))
    };
    there.iter().copied().find(is_same).or_else(|| find("")).or_else(|| there.first().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_picked() {
        for (wanted, there, picked) in [
            ("de-AT", vec!["en", "de", "de-AT"], Some("de-AT")),
            ("de-at", vec!["de", "de-AT"], Some("de-AT")),
            ("de-AT", vec!["en", "de"], Some("de")),
            ("de-AT", vec!["", "de-CH"], Some("de-CH")),
            ("de", vec!["", "de-CH"], Some("de-CH")),
            ("fr", vec!["de", "", "en"], Some("")),
            ("fr", vec!["de", "en"], Some("de")),
            ("", vec!["de", ""], Some("")),
            ("", vec!["de"], Some("de")),
            ("zh-Hant-TW", vec!["zh", "zh-Hant"], Some("zh-Hant")),
            ("en-a-bbb", vec!["en", "en-a"], Some("en")),
            ("de", vec![], None),
        ] {
            assert_eq!(pick(wanted, &there), picked, "{wanted} of {there:?}");
        }
    }
}
