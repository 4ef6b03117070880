//! What a model would change: a sample of leads scored by it, beside the model in force.

use std::cmp::Reverse;

use serde::Serialize;

use super::{
    apply::in_force,
    manage::find,
    model::Model,
    read, store,
};
use crate::{
    Ctx,
    access::permission::Permission,
    error::Result,
    types::{LeadId, ScoringModelId},
};

/// Leads that are looked at.
const SAMPLE: i64 = 1_000;
/// Leads that are named.
const MOVERS: usize = 20;

/// What a model would change.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct ModelPreview {
    /// The newest leads that the caller sees; 1,000 at most.
    pub sample: usize,
    /// The version of the model in force.
    pub in_force: i32,
    /// Leads by tens of their score, 0 to 9 first, 100 in the last: by the model in force, and by this one.
    pub before: Vec<usize>,
    pub after: Vec<usize>,
    /// Leads whose score would change.
    pub changed: usize,
    /// Those whose score would change most; 20 at most.
    pub movers: Vec<Mover>,
}

/// A lead whose score would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Mover {
    pub lead_id: LeadId,
    pub before: i16,
    pub after: i16,
}

/// Scores a sample by a model, and changes nothing.
///
/// # Errors
/// If there is none of this id.
pub async fn preview(ctx: &Ctx, id: ScoringModelId) -> Result<ModelPreview> {
    ctx.require(Permission::ScoringModelsRead)?;
    let mut tx = ctx.begin().await?;
    let model = find(&mut tx, id).await?;
    let model = Model { version: model.version, definition: model.definition };
    let present = in_force(&mut tx).await?;
    let rows = store::sample(tx.conn(), ctx.tenant, ctx.rows, SAMPLE).await?;
    let leads = read::leads(&mut tx, rows).await?;
    let now = ctx.now();
    let moved = leads.iter().map(|lead| {
        let total = |model: &Model| model.grade(&lead.facts, &lead.traits, now).parts.total();
        Mover { lead_id: lead.id, before: total(&present), after: total(&model) }
    });
    Ok(summed(present.version, moved.collect()))
}

fn summed(in_force: i32, mut leads: Vec<Mover>) -> ModelPreview {
    let tens = |score: fn(&Mover) -> i16| {
        let mut tens = vec![0; 10];
        for lead in &leads {
            tens[usize::try_from(score(lead) / 10).unwrap_or(0).min(9)] += 1;
        }
        tens
    };
    let (before, after) = (tens(|lead| lead.before), tens(|lead| lead.after));
    let sample = leads.len();
    leads.retain(|lead| lead.before != lead.after);
    leads.sort_by_key(|lead| (Reverse((lead.after - lead.before).abs()), lead.lead_id));
    let changed = leads.len();
    leads.truncate(MOVERS);
    ModelPreview { sample, in_force, before, after, changed, movers: leads }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_biggest_movers_come_first_and_nobody_is_lost() {
        let lead = |id: u128, before: i16, after: i16| {
            let lead_id = LeadId(Uuid::from_u128(id));
            Mover { lead_id, before, after }
        };
        let leads = vec![lead(1, 50, 52), lead(2, 100, 0), lead(3, 9, 9), lead(4, 10, 30), lead(5, 30, 10)];
        let found = summed(1, leads);
        assert_eq!((found.sample, found.changed), (5, 4));
        assert_eq!(found.before, [1, 1, 0, 1, 0, 1, 0, 0, 0, 1]);
        assert_eq!(found.after, [2, 1, 0, 1, 0, 1, 0, 0, 0, 0]);
        let order: Vec<u128> = found.movers.iter().map(|mover| mover.lead_id.0.as_u128()).collect();
        assert_eq!(order, [2, 4, 5, 1]);
    }
}
