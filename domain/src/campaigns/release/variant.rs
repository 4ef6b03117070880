//! Which variant the second wave gets.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::Desk;
use crate::{
    campaigns::{
        progress::small,
        rules::{
            lifecycle::RecipientStatus,
            winner::{Measure, Tally, Verdict},
        },
        store,
    },
    error::Result,
    events::{Event, EventType},
    tenancy::TenantTx,
};

impl Desk<'_> {
    /// Looks which variant is better, once the first wave has been handed over.
    pub(super) async fn decide(&mut self, tx: &mut TenantTx) -> Result<()> {
        let Some(rule) = self.definition().content.winner.filter(|_| self.winner.is_none()) else {
            return Ok(());
        };
        let (tenant, id) = (tx.tenant, self.run.id);
        let Some(sampled_at) = self.run.sampled_at else {
            self.sampled = store::next_due(tx.conn(), tenant, id, 0).await?.is_none();
            return Ok(());
        };
        let (measure, rule) = (rule.measure, rule.since(sampled_at));
        if matches!(measure, Measure::Converted | Measure::Replied) {
            if !rule.asks(&self.tallies(measure, None), self.looks, self.run.now) {
                return Ok(());
            }
            self.looks.asked_at = Some(self.run.now);
        }
        let came: Option<HashMap<i16, i64>> = match measure {
            Measure::Converted => {
                let came = store::conversions(tx.conn(), tenant, id).await?;
                Some(came.into_iter().map(|(variant, (leads, _))| (variant, leads)).collect())
            }
            Measure::Replied => {
                let came = store::replies(tx.conn(), tenant, id, self.run.started_at).await?;
                Some(came.into_iter().collect())
            }
            Measure::Delivered | Measure::Read => None,
        };
        let tallies = self.tallies(measure, came.as_ref());
        match rule.decide(&tallies, self.looks, self.run.now) {
            Verdict::Wait(looks) => self.looks = looks,
            Verdict::Taken { variant, why } => {
                self.winner = i16::try_from(variant).ok();
                self.decided_at = Some(self.run.now);
                let rates: Vec<Value> =
                    tallies.iter().map(|tally| json!({ "sent": tally.sent, "hits": tally.hits })).collect();
                let why = json!({ "because": why, "measure": measure, "variants": rates });
                let told = Event::new(EventType::CampaignWinner, "campaign", self.run.campaign_id);
                let name = self.definition().content.variants.get(variant).map(|variant| &variant.name);
                let body = json!({ "run_id": id, "variant": name, "because": why["because"]["why"] });
                tx.emit(&[told.with(body)]).await?;
                self.why = Some(why);
            }
        }
        Ok(())
    }

    /// What came of each variant; of what is not counted as it comes only with these.
    fn tallies(&self, measure: Measure, came: Option<&HashMap<i16, i64>>) -> Vec<Tally> {
        (0..self.definition().content.variants.len())
            .map(|place| self.tally(measure, i16::try_from(place).unwrap_or(i16::MAX), came))
            .collect()
    }

    fn tally(&self, measure: Measure, variant: i16, came: Option<&HashMap<i16, i64>>) -> Tally {
        use RecipientStatus::{Delivered, Read};
        let tally = self.counts.tally(variant, |status| match measure {
            Measure::Read => status == Read,
            _ => matches!(status, Delivered | Read),
        });
        let Some(came) = came else { return tally };
        let hits = small(came.get(&variant).copied().unwrap_or_default()).min(tally.sent);
        Tally { hits, ..tally }
    }
}
