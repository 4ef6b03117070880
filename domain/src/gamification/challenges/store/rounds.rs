//! The table of rounds.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::{
    error::Result,
    gamification::{challenges::ChallengeView, days::Round},
    types::{ChallengeId, TenantId},
};

/// A round of a challenge, by its first day.
pub(in crate::gamification::challenges) type OfRound = (ChallengeId, NaiveDate);

/// Opens rounds that are not there; answers which, and when each ends.
pub(in crate::gamification::challenges) async fn open(
    conn: &mut PgConnection,
    tenant: TenantId,
    rounds: &[(&ChallengeView, Round)],
) -> Result<Vec<(ChallengeId, NaiveDate, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"insert into challenge_rounds (tenant_id, challenge_id, day, starts_at, ends_at, target)
           select $1, u.challenge, u.day, u.starts_at, u.ends_at, u.target
             from unnest($2::uuid[], $3::date[], $4::timestamptz[], $5::timestamptz[], $6::bigint[])
               as u (challenge, day, starts_at, ends_at, target)
           on conflict on constraint challenge_rounds_pkey do nothing
           returning challenge_id as "challenge: ChallengeId", day, ends_at"#,
        tenant.0,
        &rounds.iter().map(|one| one.0.id.0).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.day).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.starts_at).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.1.ends_at).collect::<Vec<_>>(),
        &rounds.iter().map(|one| one.0.target).collect::<Vec<_>>()
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.challenge, row.day, row.ends_at)).collect())
}

/// Rounds that were over before an instant and are not closed, the first so many.
pub(in crate::gamification::challenges) async fn left_open(
    conn: &mut PgConnection,
    tenant: TenantId,
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<(ChallengeId, NaiveDate, DateTime<Utc>)>> {
    let rows = sqlx::query!(
        r#"select challenge_id as "challenge: ChallengeId", day, ends_at from challenge_rounds
            where tenant_id = $1 and ends_at < $2 and closed_at is null
            order by ends_at limit $3"#,
        tenant.0,
        before,
        limit
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.challenge, row.day, row.ends_at)).collect())
}

/// A round that is there.
pub(in crate::gamification::challenges) struct RoundRow {
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub target: i64,
    pub closed_at: Option<DateTime<Utc>>,
}

pub(in crate::gamification::challenges) async fn round(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<Option<RoundRow>> {
    let row = sqlx::query_as!(
        RoundRow,
        "select starts_at, ends_at, target, closed_at from challenge_rounds
          where tenant_id = $1 and challenge_id = $2 and day = $3",
        tenant.0,
        id.0,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

/// The same, locked.
pub(in crate::gamification::challenges) async fn lock_round(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<Option<RoundRow>> {
    let row = sqlx::query_as!(
        RoundRow,
        "select starts_at, ends_at, target, closed_at from challenge_rounds
          where tenant_id = $1 and challenge_id = $2 and day = $3 for no key update",
        tenant.0,
        id.0,
        day
    )
    .fetch_optional(conn)
    .await?;
    Ok(row)
}

pub(in crate::gamification::challenges) async fn close(
    conn: &mut PgConnection,
    tenant: TenantId,
    id: ChallengeId,
    day: NaiveDate,
) -> Result<()> {
    sqlx::query!(
        "update challenge_rounds set closed_at = engine.now() where tenant_id = $1 and challenge_id = $2 and day = $3",
        tenant.0,
        id.0,
        day
    )
    .execute(conn)
    .await?;
    Ok(())
}
