//! A million calls, a million leads and a million messages: how fast the log of what happened to some is taken in, and how soon a report of
//! them is made out of what was counted.

use std::time::Instant;

use chrono::Days;
use domain::{
    analytics::{
        calendar::Dates,
        document::ReportKind,
        make::{self, MakeReport},
        rebuild,
        tail::{self, Advanced},
    },
    messages::stats,
};
use uuid::Uuid;

use crate::{
    Outcome,
    access::{house::House, percentile},
    database::run,
    table::Figures,
};

/// Each kind so often.
const ROUNDS: usize = 20;
/// What happened to calls, told by the log.
const EVENTS: f64 = 100_000.0;

/// Leads, calls and messages of a year, at any hour of the day, by three hundred agents of twenty teams: so spread that nearly
/// every call has a row of sums to itself.
const YEAR: &str = "
insert into teams (tenant_id, id, name)
select t.id, ('01920000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'team ' || n
  from tenants t, generate_series(0, 19) n where t.slug = 'house';
insert into agents (tenant_id, id, status, capacity, name_sealed, team_id)
select t.id, ('01930000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'offline', 1, ''::bytea,
       ('01920000-0000-7000-8000-' || lpad(to_hex(n % 20), 12, '0'))::uuid
  from tenants t, generate_series(0, 299) n where t.slug = 'house';
insert into leads (tenant_id, id, status, source, created_at, value_cents, cost_cents)
select t.id, ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (array['new', 'contacted', 'qualified', 'proposal', 'converted', 'lost'])[1 + n % 6],
       (array['referral', 'organic', 'campaign', 'paid_ads', 'import', 'manual'])[1 + n / 6 % 6],
       engine.now() - (n % 365) * interval '1 day' - (n % 86400) * interval '1 s', n % 10000, n % 100
  from tenants t, generate_series(1, 1000000) n where t.slug = 'house';
insert into calls (tenant_id, id, direction, status, lead_id, agent_id, team_id, subject_id, number_sealed, number_index,
                   outcome, disposed_at, started_at, ringing_at, answered_at, ended_at, entered_at)
select t.id, ('01940000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (array['inbound', 'outbound'])[1 + n % 2], 'ended',
       ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('01930000-0000-7000-8000-' || lpad(to_hex(w.agent), 12, '0'))::uuid,
       ('01920000-0000-7000-8000-' || lpad(to_hex(w.agent % 20), 12, '0'))::uuid,
       ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ''::bytea, ''::bytea,
       (array['converted', 'interested', 'no_answer'])[1 + n % 3], s.at + interval '100 s', s.at, s.at,
       s.at + (n % 60) * interval '1 s', s.at + interval '100 s', s.at
  from tenants t, generate_series(1, 1000000) n,
       lateral (select (n / 365 * 37 + n) % 300 as agent) w,
       lateral (select engine.now() - (n % 365) * interval '1 day' - (n % 86400) * interval '1 s' as at) s
 where t.slug = 'house';
insert into message_count_changes (tenant_id, quarter, channel, template_id, purpose, status, n)
select t.id, quarter_of(engine.now() - (n % 365) * interval '1 day' - (n % 86400) * interval '1 s'),
       (array['email', 'sms'])[1 + n / 365 % 2],
       ('01950000-0000-7000-8000-' || lpad(to_hex(n / 365 % 40), 12, '0'))::uuid, 'marketing',
       (array['sent', 'delivered', 'read', 'bounced', 'failed'])[1 + n / 7 % 5], 1
  from tenants t, generate_series(1, 1000000) n where t.slug = 'house'";

/// So many calls are said to have gone well, and the log tells of it.
const HAPPENED: &str = "
update calls set satisfaction = 4
 where id <= '01940000-0000-7000-8000-0000000186a0'::uuid;
insert into engine.log (tenant_id, type, subject, body)
select tenant_id, 'call.completed', 'call:' || id, '{}'::jsonb from calls where satisfaction = 4";

/// Both figures.
pub async fn figures() -> Outcome<Figures> {
    let house = House::open().await?;
    run(&mut house.database.conn().await?, YEAR).await?;
    house.database.settle().await?;
    let ctx = house.gate.admit(&house.login().await?.token, None).await?;
    while stats::add_up(&house.platform).await? > 0 {}
    while !rebuild::part(&ctx).await?.over {}
    house.database.settle().await?;

    run(&mut house.database.conn().await?, HAPPENED).await?;
    while house.platform.engine.number_log().await?.is_some() {}
    let began = Instant::now();
    while tail::advance(&ctx).await? == Advanced::More {}
    let per_s = EVENTS / began.elapsed().as_secs_f64();

    let today = ctx.now().date_naive();
    let from = today.checked_sub_days(Days::new(364)).ok_or("a year ago")?;
    let dates = Dates { from, to: today.succ_opt().ok_or("tomorrow")? };
    let mut times = Vec::new();
    for kind in ReportKind::ALL {
        for round in 0..=ROUNDS {
            let began = Instant::now();
            make::report(&ctx, Uuid::now_v7(), &MakeReport { kind, dates }).await?;
            // The first one warms up.
            if round > 0 {
                times.push(began.elapsed());
            }
        }
    }
    let slow = percentile(&mut times, 95) * 1e3;
    house.close().await?;
    Ok(vec![("report_ms_p95", slow), ("rollup_events_per_s", per_s)])
}
