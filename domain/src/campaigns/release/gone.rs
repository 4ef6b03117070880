//! Recipients who are no leads any more, and whoever stands for them.

use super::Desk;
use crate::{
    access::rows::Rows,
    campaigns::{
        definition::Variant,
        rules::winner::{Group, Split, assign},
        store::{self, Drawn, DueRow},
    },
    error::Result,
    leads::merged,
    messages::to_many,
    tenancy::TenantTx,
    types::LeadId,
};

/// A recipient who is no lead any more.
pub(super) struct Gone {
    lead: LeadId,
    /// They were none when the others were written down either: nothing is known of when and what they were to get.
    is_undrawn: bool,
}

impl Gone {
    /// Of a row that is due, once it is known that its lead is none any more.
    pub fn of(row: &DueRow) -> Self {
        Self { lead: row.lead, is_undrawn: row.wave == 0 && row.variant.is_none() }
    }
}

impl Desk<'_> {
    /// Which variant a lead of the first wave is drawn.
    pub(super) fn drawn(&self, lead: LeadId) -> Option<i16> {
        match self.group(lead) {
            Group::First(variant) => i16::try_from(variant).ok(),
            Group::Rest => None,
        }
    }

    fn group(&self, lead: LeadId) -> Group {
        let content = &self.definition().content;
        let weight = |variant: &Variant| u32::try_from(variant.weight).unwrap_or_default();
        let weights: Vec<u32> = content.variants.iter().map(weight).collect();
        let first_wave = u16::try_from(content.first_wave()).unwrap_or(u16::MAX);
        assign(self.run.id.0, lead, Split { weights: &weights, first_wave })
    }

    /// Has the leads that others were merged into stand for them. Answers why each of the others is skipped.
    pub(super) async fn follow(
        &self,
        tx: &mut TenantTx,
        all: Vec<Gone>,
    ) -> Result<Vec<(LeadId, &'static str)>> {
        let (tenant, id) = (tx.tenant, self.run.id);
        let mut skipped = Vec::with_capacity(all.len());
        for gone in all {
            let reason = match merged::by_now(tx, gone.lead, Rows::All).await? {
                Some(winner) if winner != gone.lead => {
                    let drawn = if gone.is_undrawn { Some(self.draw(tx, winner).await?) } else { None };
                    store::stand_for(tx.conn(), tenant, id, (gone.lead, winner), drawn.as_ref()).await?;
                    "merged"
                }
                // It came back between the two looks; the next turn sees it.
                Some(_) => continue,
                None => "lead_gone",
            };
            skipped.push((gone.lead, reason));
        }
        Ok(skipped)
    }

    /// What a lead would have been written down with that was not planned for.
    async fn draw(&self, tx: &mut TenantTx, lead: LeadId) -> Result<Drawn> {
        let zones = to_many::zones_of_leads(tx, &[lead]).await?.remove(&lead).unwrap_or_default();
        let when = self.frozen.when(self.run.due_at, self.run.due_local);
        let variant = self.drawn(lead);
        Ok(Drawn {
            wave: i16::from(variant.is_none()),
            variant,
            due_at: when.due(&zones).unwrap_or(self.run.due_at),
        })
    }
}
