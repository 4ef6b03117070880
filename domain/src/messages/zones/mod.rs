//! In which time zones the owner of a phone number may be. Pure.
//!
//! A number says its country, not its place: in a country of several zones it may be any of them, and whoever is to be left
//! alone at night is left alone while it is night in one of them.

mod countries;
mod many;

use chrono_tz::Tz;

use countries::COUNTRIES;

/// The zones of a number in the form of E.164; none if nothing is known, as of a number of no country.
#[must_use]
pub fn of_number(number: &str) -> Vec<Tz> {
    let Some(country) = phonenumber::parse(None, number).ok().and_then(|number| number.country().id()) else {
        return Vec::new();
    };
    of_country(country.as_ref())
}

/// The zones of a country by its ISO 3166-1 code.
#[must_use]
pub fn of_country(code: &str) -> Vec<Tz> {
    let Ok(found) = COUNTRIES.binary_search_by_key(&code, |(country, _)| country) else { return Vec::new() };
    COUNTRIES[found].1.iter().filter_map(|zone| zone.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_of_the_table_is_known_and_countries_stand_in_order() {
        assert!(COUNTRIES.is_sorted_by_key(|(country, _)| *country));
        for (country, zones) in COUNTRIES {
            assert_eq!(of_country(country).len(), zones.len(), "{country}: {zones:?}");
        }
    }

    #[test]
    fn a_number_says_where_its_owner_may_be() {
        use chrono_tz::{
            America::{Los_Angeles, New_York},
            Europe::{Berlin, Zurich},
            Pacific::Honolulu,
        };
        // A German town lies within Switzerland.
        assert_eq!(of_number("+4930901820"), [Zurich, Berlin]);
        let american = of_number("+14155550100");
        for zone in [New_York, Los_Angeles, Honolulu] {
            assert!(american.contains(&zone), "{zone}");
        }
        assert_eq!(of_number("+81312345678"), [chrono_tz::Asia::Tokyo]);
        for nobody in ["+80012340000", "+999123", "", "ada@example.com"] {
            assert!(of_number(nobody).is_empty(), "{nobody}");
        }
    }
}
