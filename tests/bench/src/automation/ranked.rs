//! Pages of the ranked list of a tenant with a million leads, from anywhere in it and through its filters; names are
//! opened, as whoever looks at the list sees them.

use std::time::Instant;

use domain::{
    Ctx,
    leads::lead::Status,
    scoring::rank::{self, Filter, Rank},
    types::{AgentId, LeadId, SubjectId, TeamId},
    vault::{Place, Vault},
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    Outcome,
    access::{house::House, percentile},
    database::run,
    table::Figures,
};

const LEADS: i64 = 1_000_000;
/// Leads written in one transaction.
const BATCH: i64 = 10_000;
const AGENTS: u128 = 20;
const TEAMS: u128 = 4;
const WARM_UP: usize = 200;
const PAGES: usize = 2_000;
/// A page as the API asks for it: fifty, and one to know whether there are more.
const ROWS: i64 = 51;

/// A status goes with the score, as it does in the product; owners and teams do not. The ranks are written by hand, for
/// no trigger fires here.
const WRITTEN: &str = "
with written as (
  insert into leads (tenant_id, id, status, source, owner_id, team_id, created_at, name_sealed, score, score_source,
         score_status, score_engagement, score_assignment, score_fit, score_recency, score_model, scored_at)
  select $1, id, (array['new', 'contacted', 'qualified', 'proposal', 'converted', 'lost'])[1 + n % 6], 'organic',
         ($5::uuid[])[1 + n / 6 % 20], ($6::uuid[])[1 + n / 120 % 4],
         engine.now() - n * 7919 % 31536000 * interval '1 second', name,
         n * 31 % 60 + (array[10, 20, 30, 40, 40, 0])[1 + n % 6], 20, 20, 10, 5, 80, 40, 1, engine.now()
    from unnest($2::uuid[], $3::bigint[], $4::bytea[]) as new (id, n, name)
  returning tenant_id, id, owner_id, team_id, score, status
)
insert into lead_ranks (tenant_id, lead_id, owner_id, team_id, score, status)
select tenant_id, id, owner_id, team_id, score, status from written";

/// The time in which 95 of 100 pages are there, in milliseconds.
pub async fn pages() -> Outcome<Figures> {
    let house = House::open().await?;
    let token = house.login().await?.token;
    let ctx = house.gate.admit(&token, None).await?;
    let mut conn = house.database.conn().await?;
    // Nothing here looks at who the owners are, so they need not be there.
    run(&mut conn, "set session_replication_role = replica").await?;
    let mut places = Vec::new();
    for first in (0..LEADS).step_by(usize::try_from(BATCH)?) {
        places.push(write(&ctx, &mut conn, first).await?);
    }
    house.database.settle().await?;
    for _ in 0..WARM_UP {
        page(&ctx, &places).await?;
    }
    let (mut times, mut rows) = (Vec::with_capacity(PAGES), 0);
    for _ in 0..PAGES {
        let began = Instant::now();
        rows += page(&ctx, &places).await?;
        times.push(began.elapsed());
    }
    if rows < PAGES {
        return Err(format!("{PAGES} pages held {rows} leads: nothing was looked for").into());
    }
    let slow = percentile(&mut times, 95) * 1e3;
    house.close().await?;
    Ok(vec![("ranked_p95_ms", slow)])
}

fn agent(number: u128) -> Uuid {
    Uuid::from_u128(0xa000 + number)
}

fn team(number: u128) -> Uuid {
    Uuid::from_u128(0xb000 + number)
}

/// Writes a batch, and answers one of its leads.
async fn write(ctx: &Ctx, conn: &mut PgConnection, first: i64) -> Outcome<LeadId> {
    let numbers: Vec<i64> = (first..first + BATCH).collect();
    let ids: Vec<Uuid> = numbers.iter().map(|_| Uuid::now_v7()).collect();
    let subjects: Vec<SubjectId> = ids.iter().copied().map(SubjectId).collect();
    let mut tx = ctx.begin().await?;
    let keys = Vault::make_subjects(&mut tx, &subjects).await?;
    tx.commit().await?;
    let mut names = Vec::with_capacity(ids.len());
    for (id, number) in ids.iter().zip(&numbers) {
        let place = Place { tenant: ctx.tenant, table: "leads", column: "name_sealed", row: *id };
        names.push(keys.seal(&ctx.platform, SubjectId(*id), &place, &format!("Contact {number}"))?);
    }
    let one = LeadId(*ids.first().ok_or("an empty batch")?);
    sqlx::query(WRITTEN)
        .bind(ctx.tenant.0)
        .bind(ids)
        .bind(numbers)
        .bind(names)
        .bind((0..AGENTS).map(agent).collect::<Vec<_>>())
        .bind((0..TEAMS).map(team).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    Ok(one)
}

/// One page from anywhere, through one of the filters or several; answers how many leads it holds.
async fn page(ctx: &Ctx, places: &[LeadId]) -> Outcome<usize> {
    let status = Status::ALL[fastrand::usize(0..Status::ALL.len())];
    let filter = Filter {
        owner: fastrand::bool().then(|| AgentId(agent(fastrand::u128(0..AGENTS)))),
        team: fastrand::bool().then(|| TeamId(team(fastrand::u128(0..TEAMS)))),
        status: fastrand::bool().then_some(status),
    };
    let from: Rank = (fastrand::i16(0..=100), places[fastrand::usize(0..places.len())]);
    let rows = rank::list(ctx, filter, fastrand::bool().then_some(from), ROWS).await?;
    Ok(rows.len())
}
