//! A node that is only played: it claims and finishes by hand, falls silent and may die.

#![expect(clippy::missing_panics_doc, reason = "fixtures: they panic where what they stand on does not hold")]

use sqlx::PgConnection;
use uuid::Uuid;

use crate::Database;

/// Moves the start of Postgres, as rescue sees it, to so long ago.
pub async fn awake_for(database: &Database, ago: &str) {
    let since = format!(
        "create or replace function engine.awake_since() returns timestamptz language sql stable as
         $$ select clock_timestamp() - interval '{ago}' $$"
    );
    let mut owner = database.connect_as("none").await;
    sqlx::raw_sql(sqlx::AssertSqlSafe(since)).execute(&mut owner).await.expect("the owner may");
}

/// See the module.
pub struct Played<'a> {
    pub system: &'a mut PgConnection,
    pub id: Uuid,
}

impl<'a> Played<'a> {
    pub async fn join(system: &'a mut PgConnection) -> Self {
        let id = Uuid::now_v7();
        sqlx::query(
            "insert into engine.nodes (id, name, roles, build, beats, connections)
             values ($1, 'played', '{}', '', 5, coalesce((select jsonb_object_agg(id, 1) from engine.queues), '{}'))",
        )
        .bind(id)
        .execute(&mut *system)
        .await
        .expect("a node");
        Self { system, id }
    }

    /// Claims what there is in all lanes; answers ids and the fence.
    ///
    /// # Errors
    /// If the claim is refused.
    pub async fn claim(&mut self) -> sqlx::Result<(Vec<Uuid>, i64)> {
        self.ask(9, false).await.map(Claimed::of)
    }

    /// At most so many of each lane.
    ///
    /// # Errors
    /// If the claim is refused.
    pub async fn claim_some(&mut self, most: i32) -> sqlx::Result<(Vec<Uuid>, i64)> {
        self.ask(most, false).await.map(Claimed::of)
    }

    /// Where nothing else runs on the node, if `alone`.
    ///
    /// # Errors
    /// If the claim is refused.
    pub async fn claim_as(&mut self, alone: bool) -> sqlx::Result<(Vec<Uuid>, i64)> {
        self.ask(9, alone).await.map(Claimed::of)
    }

    /// The lanes in which a claim found a job that somebody else holds.
    pub async fn skipped(&mut self) -> Option<Vec<i64>> {
        let rows = self.ask(9, false).await.expect("claimed");
        let skipped = rows.into_iter().find_map(|row| row.head)?;
        serde_json::from_value(skipped["skipped"].clone()).expect("lanes")
    }

    async fn ask(&mut self, most: i32, alone: bool) -> sqlx::Result<Vec<Claimed>> {
        sqlx::query_as(
            "with l as (select id from engine.lanes order by id)
             select id, head
               from engine.claim((select id from engine.queues), $1, 1, $2, array(select id from l), array(select $3 from l),
                 array(select 'epoch'::timestamptz from l), array(select '00000000-0000-0000-0000-000000000000'::uuid from l))",
        )
        .bind(self.id)
        .bind(alone)
        .bind(most)
        .fetch_all(&mut *self.system)
        .await
    }

    /// Completes a job and claims what there is in all lanes, in one statement.
    ///
    /// # Errors
    /// If the claim is refused, or somebody is waited for too long.
    pub async fn complete_and_claim(&mut self, tenant: Uuid, job: Uuid, fence: i64) -> sqlx::Result<Turn> {
        let rows: Vec<TurnRow> = sqlx::query_as(
            "with l as (select id from engine.lanes order by id)
             select ended, head, id
               from engine.finish_and_claim(array[$1], array[$2], array[$3::bigint], array['completed'],
                 array[0::bigint], array[null::jsonb], array[null], array[null],
                 (select id from engine.queues), $4, 1, array(select id from l), array(select 9 from l),
                 array(select 'epoch'::timestamptz from l), array(select '00000000-0000-0000-0000-000000000000'::uuid from l))",
        )
        .bind(job)
        .bind(tenant)
        .bind(fence)
        .bind(self.id)
        .fetch_all(&mut *self.system)
        .await?;
        Ok(Turn {
            ended: rows.last().and_then(|row| row.ended.clone()).expect("what became of the ending"),
            head: rows.first().and_then(|row| row.head.clone()).expect("a head"),
            claimed: rows.iter().filter_map(|row| row.id).collect(),
        })
    }

    /// Completes a job; answers what was lost.
    pub async fn complete(&mut self, tenant: Uuid, job: Uuid, fence: i64) -> Vec<Uuid> {
        self.end(tenant, &[(job, "completed")], fence).await
    }

    /// Ends jobs of one claim in one statement, each by its verdict; answers what was lost.
    pub async fn end(&mut self, tenant: Uuid, endings: &[(Uuid, &str)], fence: i64) -> Vec<Uuid> {
        let (jobs, verdicts): (Vec<Uuid>, Vec<&str>) = endings.iter().copied().unzip();
        let lost: Option<Vec<Uuid>> = sqlx::query_scalar(
            "with n as (select array[cardinality($1::uuid[])] as jobs)
             select f.lost
               from n, engine.finish($1, array_fill($2::uuid, n.jobs), array_fill($3::bigint, n.jobs), $4,
                 array_fill(0::bigint, n.jobs), array_fill(null::jsonb, n.jobs), array_fill(null::text, n.jobs),
                 array_fill(null::text, n.jobs)) f",
        )
        .bind(jobs)
        .bind(tenant)
        .bind(fence)
        .bind(verdicts)
        .fetch_one(&mut *self.system)
        .await
        .expect("an answer");
        lost.unwrap_or_default()
    }

    /// Has not beaten for so long.
    pub async fn falls_silent(&mut self, seconds: f64) {
        sqlx::query(
            "update engine.nodes set beat_at = clock_timestamp() - make_interval(secs => $2) where id = $1",
        )
        .bind(self.id)
        .bind(seconds)
        .execute(&mut *self.system)
        .await
        .expect("silence");
    }

    /// Falls silent and is found dead; answers the nodes struck off.
    pub async fn die(mut self) -> Vec<Uuid> {
        self.falls_silent(13.0).await;
        let mut rescuer = Self::join(self.system).await;
        let dead = rescuer.rescue().await;
        sqlx::query("delete from engine.nodes where id = $1")
            .bind(rescuer.id)
            .execute(rescuer.system)
            .await
            .expect("gone");
        dead
    }

    /// Rescues what dead nodes held; answers them.
    pub async fn rescue(&mut self) -> Vec<Uuid> {
        sqlx::query_scalar("select node from engine.rescue($1)")
            .bind(self.id)
            .fetch_all(&mut *self.system)
            .await
            .expect("an answer")
    }
}

/// What an end and a claim in one statement answered.
pub struct Turn {
    /// See `engine.finish_and_claim`.
    pub ended: serde_json::Value,
    pub head: serde_json::Value,
    pub claimed: Vec<Uuid>,
}

#[derive(sqlx::FromRow)]
struct TurnRow {
    ended: Option<serde_json::Value>,
    head: Option<serde_json::Value>,
    id: Option<Uuid>,
}

/// A row of a claim: a job, or what the claim saw.
#[derive(sqlx::FromRow)]
struct Claimed {
    id: Option<Uuid>,
    head: Option<serde_json::Value>,
}

impl Claimed {
    fn of(rows: Vec<Self>) -> (Vec<Uuid>, i64) {
        let fence = rows.iter().find_map(|row| row.head.as_ref()?["fence"].as_i64()).unwrap_or(0);
        (rows.into_iter().filter_map(|row| row.id).collect(), fence)
    }
}
