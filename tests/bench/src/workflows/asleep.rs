//! What a million runs cost that sleep until tomorrow.

use crate::{
    Outcome,
    database::{Database, run},
    engine::{
        idle,
        run::{beside, jobs_per_s},
    },
    table::Figures,
};

/// A million runs, each of which waits for a signal until tomorrow and then has one step more.
const ASLEEP: &str = "
insert into engine.runs (id, tenant_id, name, version, input, actor, watched, created_at, state, begun_at)
select gen_random_uuid(), '00000000-0000-0000-0000-00000000000a', 'sleeper', 1, '{}', '{}', false, engine.now(),
       'running', engine.now()
  from generate_series(1, 1000000);
insert into engine.steps (tenant_id, run_id, name, position, needs, followers, go_on, watched, signal, delay_ms, state,
    waits, jobs, left_jobs, failed, cancelled, wake_at)
select r.tenant_id, r.id, 'reply', 0, '{}'::text[], '{after}'::text[], false, false, 'replied', 86400000, 'sleeping', 1, 1, 1, 0, 0,
       engine.now() + interval '1 day'
  from engine.runs r
union all
select r.tenant_id, r.id, 'after', 1, '{reply}', '{}', false, false, null, 1000, 'waiting', 1, 1, 1, 0, 0, null::timestamptz
  from engine.runs r";

/// An idle process beside them, and the drain of single jobs beside them and without.
pub async fn million() -> Outcome<Figures> {
    let database = Database::migrated().await?;
    run(&mut database.conn().await?, ASLEEP).await?;
    database.settle().await?;
    let cost = idle::of(&database).await?;
    let with = beside(database).await?;
    let without = jobs_per_s().await?;
    Ok(vec![
        ("waiting_runs_idle_queries_per_s", cost.queries_per_s),
        ("waiting_runs_idle_cpu_percent", cost.cpu_percent),
        ("drain_beside_waiting_vs_clear", with / without),
    ])
}
