//! From rows to what models look at.

use serde_json::{Map, Value};

use super::{points::Facts, store::ScoreRow, traits::Traits};
use crate::{
    error::{Error, Result},
    leads::lead::{Source, Status, place, subject},
    tenancy::TenantTx,
    types::{AgentId, LeadId, SubjectId, TeamId},
    vault::Vault,
};

/// A lead as models see it.
pub(super) struct Lead {
    pub id: LeadId,
    pub owner: Option<AgentId>,
    pub team: Option<TeamId>,
    pub facts: Facts,
    pub traits: Traits,
    /// Its total and whose it is, if it has one.
    pub before: Option<(i16, i32)>,
}

/// Reads rows; attributes are opened where they were asked for.
pub(super) async fn leads(tx: &mut TenantTx, rows: Vec<ScoreRow>) -> Result<Vec<Lead>> {
    let sealed = rows.iter().filter(|row| row.attributes_sealed.is_some());
    let subjects: Vec<SubjectId> = sealed.map(|row| subject(row.id)).collect();
    let keys = if subjects.is_empty() { None } else { Some(Vault::subjects(tx, &subjects).await?) };
    let tenant = tx.tenant;
    rows.into_iter()
        .map(|row| {
            let opened = match (&keys, &row.attributes_sealed) {
                (Some(keys), Some(sealed)) => {
                    keys.open(&place(tenant, "attributes_sealed", row.id), sealed)?
                }
                _ => None,
            };
            lead(row, opened.as_deref())
        })
        .collect()
}

fn lead(row: ScoreRow, attributes: Option<&str>) -> Result<Lead> {
    let unknown = |what: &str, value: &str| Error::internal(format!("a lead's {what} is {value}"));
    let source = Source::named(&row.source).ok_or_else(|| unknown("source", &row.source))?;
    let attributes: Option<Map<String, Value>> =
        attributes.map(serde_json::from_str).transpose().map_err(Error::internal)?;
    let facts = Facts {
        source,
        status: Status::named(&row.status).ok_or_else(|| unknown("status", &row.status))?,
        owned: row.owner_id.is_some(),
        in_team: row.team_id.is_some(),
        activities: row.activities,
        last_activity_at: row.last_activity_at,
        created_at: row.created_at,
    };
    let traits = Traits {
        source,
        language: row.language,
        region: row.region,
        value_cents: row.value_cents,
        tags: row.tags,
        attributes: attributes.unwrap_or_default(),
        created_at: row.created_at,
    };
    let before = row.score.zip(row.score_model);
    Ok(Lead { id: row.id, owner: row.owner_id, team: row.team_id, facts, traits, before })
}
