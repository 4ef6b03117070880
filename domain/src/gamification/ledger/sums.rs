//! The sums that are kept of the ledger, each changed in the transaction of the rows that change it.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{NewEntry, store};
use crate::{error::Result, tenancy::TenantTx};

/// Adds rows to all sums.
///
/// # Errors
/// If the database refuses, also where a sum would fall below zero.
pub(super) async fn keep(tx: &mut TenantTx, entries: &[NewEntry]) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant;
    let (mut totals, mut by_day, mut by_team) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    let (mut by_rule, mut by_deed) = (BTreeMap::new(), BTreeMap::new());
    for entry in entries {
        let points = i64::from(entry.points);
        let total: &mut (i64, i64) = totals.entry(entry.agent).or_default();
        if entry.is_earned() {
            total.0 += points;
            let team = entry.team.map_or(Uuid::nil(), |team| team.0);
            if let Some(day) = entry.day.filter(|_| points != 0 || entry.deeds != 0) {
                let of_day: &mut (i64, i64) = by_day.entry((day, entry.agent, team)).or_default();
                of_day.0 += points;
                of_day.1 += i64::from(entry.deeds);
            }
            if points != 0 && !team.is_nil() {
                *by_team.entry((team, entry.agent)).or_insert(0_i64) += points;
            }
        } else {
            total.1 -= points;
        }
        if let (Some(rule), Some(day)) = (entry.rule, entry.day) {
            let of_rule: &mut (i64, i64) = by_rule.entry((rule, entry.agent, day)).or_default();
            of_rule.0 += points;
            of_rule.1 += i64::from(entry.times);
        }
        if let Some(deed) = entry.deed.filter(|_| entry.deeds != 0) {
            *by_deed.entry((entry.agent, deed.as_str())).or_insert(0_i64) += i64::from(entry.deeds);
        }
    }
    totals.retain(|_, (earned, spent)| *earned != 0 || *spent != 0);
    store::add_totals(tx.conn(), tenant, &totals).await?;
    store::add_days(tx.conn(), tenant, &by_day).await?;
    store::add_teams(tx.conn(), tenant, &by_team).await?;
    store::add_rules(tx.conn(), tenant, &by_rule).await?;
    store::add_deeds(tx.conn(), tenant, &by_deed).await
}
