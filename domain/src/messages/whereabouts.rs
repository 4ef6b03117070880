//! Where leads may be, as far as that is known: by their number, and by their region if that is named like a zone.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::{store, zones};
use crate::{
    error::Result,
    leads::lead,
    tenancy::TenantTx,
    types::{LeadId, SubjectId},
    vault::Vault,
};

/// What tells where somebody is. A number of a country with several zones may be in any of them.
pub(super) struct Whereabouts {
    of_number: Vec<Tz>,
    region: Option<Tz>,
}

impl Whereabouts {
    #[must_use]
    pub(super) fn of(number: Option<&str>, region: Option<&str>) -> Self {
        Self {
            of_number: number.map(zones::of_number).unwrap_or_default(),
            region: region.and_then(|region| region.parse().ok()),
        }
    }

    /// Whether the number says nothing against a zone.
    fn fits(&self, zone: Tz) -> bool {
        self.of_number.is_empty() || self.of_number.contains(&zone)
    }

    /// All zones of the number; if there are none, the region. By a region that somebody has typed in nobody is written to at
    /// night who may be elsewhere.
    #[must_use]
    pub(super) fn at_most(&self) -> Vec<Tz> {
        if self.of_number.is_empty() { self.region.into_iter().collect() } else { self.of_number.clone() }
    }

    /// The region, if the number does not tell another; else the zones of the number. Of whom nothing is known there are none.
    #[must_use]
    pub(super) fn likely(&self) -> Vec<Tz> {
        match self.region {
            Some(region) if self.fits(region) => vec![region],
            _ => self.of_number.clone(),
        }
    }

    /// The one zone by whose clock somebody is written to: the region, or else `home`, if the number does not tell another;
    /// else the first of the number's.
    #[must_use]
    pub(super) fn clock(&self, home: Tz) -> Tz {
        let fitting = self.region.into_iter().chain([home]).find(|zone| self.fits(*zone));
        fitting.or_else(|| self.of_number.first().copied()).unwrap_or(home)
    }
}

/// The same of some leads, those that there are. A number that does not open tells nothing.
///
/// # Errors
/// If the database does not answer.
pub(super) async fn of_leads(tx: &mut TenantTx, leads: &[LeadId]) -> Result<HashMap<LeadId, Whereabouts>> {
    if leads.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant;
    let rows = store::whereabouts(tx.conn(), tenant, leads).await?;
    let subjects: Vec<SubjectId> = rows.iter().map(|row| lead::subject(row.id)).collect();
    let keys = Vault::subjects(tx, &subjects).await?;
    let known = rows.into_iter().map(|row| {
        let open = |sealed: &Vec<u8>| keys.shown(&lead::place(tenant, "phone_sealed", row.id), sealed);
        let number = row.phone_sealed.as_ref().and_then(open);
        (row.id, Whereabouts::of(number.as_deref(), row.region.as_deref()))
    });
    Ok(known.collect())
}

#[cfg(test)]
mod tests {
    use chrono_tz::{
        America::{Chicago, New_York},
        Asia::Tokyo,
        Europe::Berlin,
    };

    use super::*;

    #[test]
    fn a_region_says_where_in_a_country_somebody_is_and_nothing_against_the_number() {
        for (number, region, wanted) in [
            (None, None, vec![]),
            (None, Some("Europe/Berlin"), vec![Berlin]),
            (None, Some("Bavaria"), vec![]),
            (Some("+81312345678"), Some("Europe/Berlin"), vec![Tokyo]),
            (Some("+14155550100"), Some("America/New_York"), vec![New_York]),
        ] {
            assert_eq!(Whereabouts::of(number, region).likely(), wanted, "{number:?} {region:?}");
        }
        assert!(Whereabouts::of(Some("+14155550100"), None).likely().len() > 3);
    }

    #[test]
    fn who_is_left_alone_at_night_may_be_wherever_the_number_may_be() {
        for (number, region, wanted) in [
            (None, None, vec![]),
            (None, Some("Europe/Berlin"), vec![Berlin]),
            (Some("+81312345678"), Some("Europe/Berlin"), vec![Tokyo]),
        ] {
            assert_eq!(Whereabouts::of(number, region).at_most(), wanted, "{number:?} {region:?}");
        }
        assert!(Whereabouts::of(Some("+14155550100"), Some("America/New_York")).at_most().len() > 3);
    }

    #[test]
    fn a_lead_is_written_to_by_the_clock_that_is_known_best() {
        let america = [New_York, Chicago];
        for (region, of_number, home, wanted) in [
            (None, &[][..], Berlin, Berlin),
            (Some(Tokyo), &[][..], Berlin, Tokyo),
            (Some(Tokyo), &[Berlin][..], Tokyo, Berlin),
            (Some(Chicago), &america[..], Berlin, Chicago),
            (Some(Tokyo), &america[..], Chicago, Chicago),
            (None, &america[..], Berlin, New_York),
        ] {
            let known = Whereabouts { of_number: of_number.to_vec(), region };
            assert_eq!(known.clock(home), wanted, "{region:?} {of_number:?} {home}");
        }
    }
}
