//! The judge: what the product says of each message, against what the provider has in its ledger.

use std::collections::HashMap;

use domain::messages::provider::Route;
use sqlx::PgConnection;
use uuid::Uuid;

use super::line::Line;
use crate::{Outcome, faults::report::Finding};

/// How often a message of an account came to be of unknown fate.
const TOLD_UNKNOWN: &str = "
select count(*) from engine.log l join messages m on l.subject = 'message:' || m.id
 where l.type = 'message.unknown' and m.provider_id = $1";

/// Where a message is, of what kind its failure is, and its code.
type Row = (Uuid, String, Option<String>, Option<String>);

/// What became of the messages of one account.
#[derive(Default)]
struct Tally {
    sent: usize,
    unknown: usize,
    failed: usize,
    /// Neither taken by the provider nor of a fate that is stated with its cause.
    lost: usize,
    doubled: usize,
    /// Of unknown fate, though the provider has it and would say so.
    untold: usize,
}

/// `held` are the jobs that workers held when they were killed, by account.
pub async fn judge(conn: &mut PgConnection, lines: &[Line], held: &HashMap<Uuid, usize>) -> Outcome<Finding> {
    let mut finding = Finding::default();
    for line in lines {
        let rows: Vec<Row> =
            sqlx::query_as("select id, status, failure, error_code from messages where provider_id = $1")
                .bind(line.account)
                .fetch_all(&mut *conn)
                .await?;
        let tally = Tally::of(line, rows);
        finding.lost += tally.lost;
        finding.doubled += tally.doubled;
        finding.unknown += tally.unknown;
        let told: i64 = sqlx::query_scalar(TOLD_UNKNOWN).bind(line.account).fetch_one(&mut *conn).await?;
        weigh(&mut finding, line, &tally, usize::try_from(told)?, held.get(&line.account).copied())?;
    }
    let jobs: i64 = sqlx::query_scalar("select count(*) from engine.job_history").fetch_one(conn).await?;
    finding.jobs = usize::try_from(jobs)?;
    Ok(finding)
}

impl Tally {
    fn of(line: &Line, rows: Vec<Row>) -> Self {
        let taken = line.taken();
        let stated = |(id, status, failure, code): Row| (id, (status, failure.zip(code)));
        let rows: HashMap<Uuid, _> = rows.into_iter().map(stated).collect();
        let can_tell = matches!(line.provider.route(), Route::Asked | Route::Echoes);
        let mut tally = Self { doubled: taken.values().map(|times| times - 1).sum(), ..Self::default() };
        for (number, id) in line.messages.iter().enumerate() {
            let there = taken.contains_key(&number);
            let Some((status, stated)) = rows.get(id) else {
                tally.lost += 1;
                continue;
            };
            match status.as_str() {
                "sent" | "delivered" | "read" => {
                    tally.sent += 1;
                    tally.lost += usize::from(!there);
                }
                "unknown" => {
                    tally.unknown += 1;
                    tally.lost += usize::from(stated.is_none());
                    tally.untold += usize::from(can_tell && there);
                }
                "failed" => {
                    tally.failed += 1;
                    tally.lost += usize::from(stated.is_none());
                }
                // It waits without an end, or was let go of by nobody's wish.
                _ => tally.lost += 1,
            }
        }
        tally
    }
}

/// Says what does not hold of an account, and shows its figures.
fn weigh(finding: &mut Finding, line: &Line, tally: &Tally, told: usize, held: Option<usize>) -> Outcome<()> {
    let (kind, held) = (line.kind, held.unwrap_or_default());
    let injected = line.provider.injected();
    let ambiguous = injected.accepted_then_reset
        + injected.timeouts_accepted
        + injected.timeouts_not_accepted
        + injected.errors_500_after_accept;
    let hit = usize::try_from(ambiguous)? + held;
    eprintln!(
        "{kind:<9} {:>6} messages: {} sent, {} failed, {} unknown ({told} at some time); {ambiguous} answers were \
         lost, {} asked for patience, {held} jobs were held at deaths",
        line.messages.len(),
        tally.sent,
        tally.failed,
        tally.unknown,
        injected.rate_limited,
    );
    finding.holds(ambiguous > 0, || format!("{kind}: no answer was lost, so nothing was shown"));
    finding.holds(told <= hit, || format!("{kind}: {told} came to be unknown, and only {hit} were hit"));
    finding.holds(tally.failed == 0, || format!("{kind}: {} failed that the provider takes", tally.failed));
    finding
        .holds(tally.untold == 0, || format!("{kind}: {} are unknown that the provider has", tally.untold));
    let must_know = matches!(line.provider.route(), Route::Asked | Route::Keyed);
    finding.holds(!must_know || tally.unknown == 0, || {
        format!("{kind}: {} are unknown, and asking or sending again tells", tally.unknown)
    });
    Ok(())
}
