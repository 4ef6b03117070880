//! What is known of leads on their way, read for many of one sequence at a time.

use std::collections::HashMap;

use super::{
    rules::{conditions::Facts, definition::Published},
    store::{self, LeadNow, OnWay},
};
use crate::{
    error::{Error, Result},
    messages::to_leads::{self, Reach},
    tenancy::TenantTx,
    types::{EnrolmentId, LeadId, SequenceId},
};

/// What leads go through, and what is known of them.
pub(super) struct Known {
    /// By version.
    definitions: HashMap<i32, Published>,
    leads: HashMap<LeadId, LeadNow>,
    /// How each is reached by its next step; none where that was not asked.
    reach: HashMap<EnrolmentId, Reach>,
}

impl Known {
    /// Reads what is known of enrolments of one sequence. How their leads are reached is found out for all of them if they
    /// are to be written to, else only where a goal asks for it.
    ///
    /// # Errors
    /// If the database does not answer.
    pub(super) async fn find(
        tx: &mut TenantTx,
        sequence: SequenceId,
        rows: &[OnWay],
        writes: bool,
    ) -> Result<Self> {
        let tenant = tx.tenant;
        let mut versions: Vec<i32> = rows.iter().map(|row| row.version).collect();
        versions.sort_unstable();
        versions.dedup();
        let definitions = store::definitions(tx.conn(), tenant, sequence, &versions).await?;
        let ids: Vec<LeadId> = rows.iter().map(|row| row.lead).collect();
        let leads = store::leads_now(tx.conn(), tenant, &ids).await?;
        let asks = |published: &Published| {
            let definition = &published.definition;
            if writes { definition.asks_wishes() } else { definition.has_goal("opted_out") }
        };
        let matters = definitions.values().any(asks);
        let (mut whose, mut asked) = (Vec::new(), Vec::new());
        for row in rows.iter().filter(|_| writes || matters) {
            let published = definitions.get(&row.version);
            let wording = published.and_then(|published| published.wordings.get(at(row)));
            if let Some((published, wording)) = published.zip(wording) {
                whose.push(row.id);
                asked.push((row.lead, wording.channel, published.definition.purpose));
            }
        }
        let reach = to_leads::reach(tx, &asked, matters).await?;
        Ok(Self { definitions, leads, reach: whose.into_iter().zip(reach).collect() })
    }

    /// What an enrolment goes through.
    ///
    /// # Errors
    /// If its version is not there.
    pub(super) fn published(&self, row: &OnWay) -> Result<&Published> {
        let found = self.definitions.get(&row.version);
        found.ok_or_else(|| Error::internal("a lead goes through a version that is not there"))
    }

    /// All that leads go through.
    pub(super) fn all_published(&self) -> impl Iterator<Item = &Published> {
        self.definitions.values()
    }

    /// What is asked of an enrolment's lead; none if the lead is not there.
    pub(super) fn facts(&self, row: &OnWay) -> Option<Facts> {
        let lead = self.leads.get(&row.lead)?;
        Some(Facts {
            replied: row.replied_at.is_some(),
            converted: lead.status == "converted",
            opted_out: self.reach.get(&row.id).is_some_and(|reach| reach.opted_out),
            score: lead.score,
            entry_score: row.entry_score,
        })
    }

    /// The language of an enrolment's lead, if it is known.
    pub(super) fn language(&self, row: &OnWay) -> Option<&str> {
        self.leads.get(&row.lead)?.language.as_deref()
    }

    /// Whether what is written to an enrolment's lead can be sealed.
    pub(super) fn seals(&self, row: &OnWay) -> bool {
        self.reach.get(&row.id).is_some_and(|reach| reach.seals)
    }

    /// The address by which an enrolment's lead gets its next step, if it has one.
    pub(super) fn address(&self, row: &OnWay) -> Option<&str> {
        self.reach.get(&row.id)?.to.as_deref()
    }
}

/// The step that comes next, as lists count.
pub(super) fn at(row: &OnWay) -> usize {
    usize::try_from(row.position).unwrap_or_default()
}
