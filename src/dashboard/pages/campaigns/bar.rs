//! How far a run is, as a bar that is read again as long as it moves.

use askama::{Template, filters::HtmlSafe};
use domain::{campaigns::progress::RunBrief, types::CampaignId};

use crate::dashboard::ui;

/// The bar.
#[derive(Template)]
#[template(path = "campaigns/bar.html")]
pub struct Bar {
    campaign: CampaignId,
    /// None as long as it is not known how many there will be.
    percent: Option<i64>,
    said: String,
    moves: bool,
}

impl HtmlSafe for Bar {}

impl Bar {
    /// Read again as it moves unless somebody `looks` from outside: each reading of theirs is written down in the tenant.
    pub fn of(campaign: CampaignId, run: &RunBrief, looks: bool) -> Self {
        let done = run.recipients - run.open;
        let percent = run.planned.then(|| percent(done, run.recipients));
        let said = match percent {
            None => format!("{} written down", ui::count(&run.recipients)),
            Some(percent) => format!("{percent} % of {}", ui::count(&run.recipients)),
        };
        Self { campaign, percent, said, moves: run.run_status.moves() && !looks }
    }
}

/// A share in whole percent: 100 only of all, and of nobody.
pub fn percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 {
        return 100;
    }
    i64::try_from(i128::from(part) * 100 / i128::from(whole)).unwrap_or(100).clamp(0, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_is_said_of_all_only() {
        for (part, whole, wanted) in [
            (0, 0, 100),
            (999, 1_000, 99),
            (1_000, 1_000, 100),
            (1, 3, 33),
            (i64::MAX, i64::MAX, 100),
            (2, 1, 100),
        ] {
            assert_eq!(percent(part, whole), wanted, "{part} {whole}");
        }
    }
}
