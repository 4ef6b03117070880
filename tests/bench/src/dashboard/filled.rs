//! A house that has been at work for a week: jobs and their counters, written straight as the engine would have left them,
//! and some of everything else by the API.

use serde_json::{Value, json};
use switchboard::demo::{client::Client, people};

use crate::{
    Outcome,
    access::house::{EMAIL, House, PASSWORD, SLUG},
    database::run,
};

const HISTORY: u32 = 5_000_000;
/// Rows of a statement.
const BATCH: u32 = 250_000;
const LEADS: usize = 300;

/// A second tenant, whose every tenth row lies between; lanes of both; processes; the days that are past.
const PLACES: &str = "
insert into engine.queues (name) values ('messages'), ('automation'), ('webhooks'), ('operations') on conflict do nothing;
insert into engine.lanes (queue_id, tenant_id, priority, kind, version)
select q.id, t.id, 1, k.kind, 1
  from (values ('messages', 'send_message'), ('messages', 'tell_of_delivery'), ('messages', 'plan_messages'),
               ('automation', 'score_lead'), ('automation', 'route_lead'), ('automation', 'score_leads'),
               ('automation', 'onboard_lead'), ('webhooks', 'send_webhook'), ('webhooks', 'replay_webhook'),
               ('operations', 'import_leads'), ('operations', 'update_leads'), ('operations', 'export_leads'))
       k (queue, kind)
  join engine.queues q on q.name = k.queue cross join tenants t
    on conflict do nothing;
create table bench_lanes as
select tenant_id, array_agg(id order by kind = 'send_message' desc, id) as lanes from engine.lanes where not isolated group by 1;
insert into engine.nodes (id, name, roles, build, kinds, versions)
select ('01990000-0000-7000-8000-00000000000' || n)::uuid, 'worker-' || n, '{worker}', 'bench', '{send_message}', '{1}'
  from generate_series(1, 8) n;
do $$
declare first date;
begin
  for first in select d::date from generate_series(engine.today() - 8, engine.today() - 2, '1 day') d loop
    execute format('create table engine.%I partition of engine.job_history for values from (%L) to (%L)',
      'job_history_' || to_char(first, 'YYYYMMDD'), first || ' 00:00+00', (first + 1) || ' 00:00+00');
  end loop;
end $$";

/// Six of ten send a message; four of a hundred came to a bad end, and one of four has a tag.
const ENDED: &str = "
insert into engine.job_history (id, tenant_id, lane, created_at, finished_at, timeout_ms, attempt, max_attempts, watched, spread,
    state, args, actor, started_at, node, business_key, tags, attempts, output, error_code)
select (lpad(to_hex((extract(epoch from w.finished) * 1000)::bigint - 4000), 12, '0') || '70008' || substr(md5(w.n::text), 1, 15))::uuid,
       w.tenant_id, w.lanes[case when w.n / 10 % 10 < 6 then 1 else 1 + w.n % array_length(w.lanes, 1) end],
       w.finished - interval '4 seconds', w.finished, 60000, 1 + w.bad, 5, false, false,
       case when w.bad = 0 then 'completed' else (array['discarded', 'discarded', 'cancelled', 'quarantined'])[1 + w.n % 4] end,
       json_build_object('lead', md5((w.n % 100000)::text), 'number', w.n), '{\"kind\": \"system\"}',
       w.finished - (1 + w.n % 13 * w.n % 2000) * interval '1 ms', ('01990000-0000-7000-8000-00000000000' || 1 + w.n % 8)::uuid,
       'lead:' || md5((w.n % 100000)::text)::uuid,
       case when w.n % 4 = 0 then array['campaign:' || w.n % 50] end,
       case when w.bad = 1 then jsonb_build_array(jsonb_build_object('attempt', 1, 'code', 'refused', 'error', 'it was refused')) end,
       case when w.bad = 0 then '{\"ok\": true}'::jsonb end,
       case when w.bad = 1 then (array['message_failed', 'timed_out', 'refused', 'panicked'])[1 + w.n / 4 % 4] end
  from (select n, l.tenant_id, l.lanes, case when n / 7 % 100 < 4 then 1 else 0 end as bad,
               t.now - interval '7 days' * ((FULL - n) / FULL.0) as finished
          from generate_series(FIRST, LAST) n
          cross join (select engine.now() as now) t
          join tenants on tenants.slug = case when n % 10 = 9 then 'other' else 'house' end
          join bench_lanes l on l.tenant_id = tenants.id
         order by n) w";

/// The counters, as the endings would have written them.
const COUNTED: &str = "
insert into engine.tally_minutes (minute, tenant_id, lane, node, what, code, bucket, count)
select date_trunc('minute', finished_at), tenant_id, lane, node, state, error_code,
       engine.duration_bucket(finished_at - started_at), count(*)
  from engine.job_history group by 1, 2, 3, 4, 5, 6, 7;
insert into engine.tally_hours (tenant_id, what, hour, lane, node, code, bucket, count)
select tenant_id, what, date_trunc('hour', minute, 'UTC'), lane, node, code, bucket, sum(count)
  from engine.tally_minutes group by 1, 2, 3, 4, 5, 6, 7";

/// Half of them are due, some run, the others are for later, and of these some have failed before.
const BEFORE: &str = "
insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, max_attempts, args, actor, business_key, tags,
    attempt, attempts, claim, started_at, node)
select (lpad(to_hex((extract(epoch from t.now) * 1000)::bigint - 200000 + n), 12, '0') || '70009' || substr(md5(n::text), 1, 15))::uuid,
       l.tenant_id, l.lanes[case when n / 10 % 10 < 6 then 1 else 1 + n % array_length(l.lanes, 1) end],
       t.now + case when n % 2 = 0 then -interval '1 ms' else interval '1 second' end * (n % 36000),
       t.now - interval '1 hour', 60000, 5, json_build_object('number', n), '{\"kind\": \"system\"}',
       'lead:' || md5((n % 100000)::text)::uuid, case when n % 4 = 0 then array['campaign:' || n % 50] end,
       case when n % 9 = 0 or n % 1000 = 2 then 1 else 0 end,
       case when n % 9 = 0 then jsonb_build_array(jsonb_build_object('attempt', 1, 'code', 'refused', 'error', 'it was refused')) end,
       case when n % 1000 = 2 then nextval('engine.claim_fence') end,
       case when n % 1000 = 2 then t.now - interval '2 seconds' end,
       case when n % 1000 = 2 then ('01990000-0000-7000-8000-00000000000' || 1 + n % 8)::uuid end
  from generate_series(1, 200000) n
  cross join (select engine.now() as now) t
  join tenants on tenants.slug = case when n % 10 = 9 then 'other' else 'house' end
  join bench_lanes l on l.tenant_id = tenants.id";

/// A million calls and half a million leads of four hundred days, as they are counted, without the rows that they come from.
const FIGURES: &str = "
insert into call_counted
select t.id, gen_random_uuid(), w.at, case when n % 3 = 0 then 'outbound' else 'inbound' end, a.team_id, a.id,
       (array['converted', 'interested', 'not_interested', 'callback', 'voicemail'])[1 + n % 5],
       c.answered, c.answered, case when n % 3 = 0 then 0 else 1 end, case when n % 3 = 0 then 0 else 1 - c.answered end,
       case when n % 3 > 0 and n % 4 > 0 then c.answered else 0 end, n % 30000, c.answered * (n % 900000),
       case when n % 5 = 0 then c.answered else 0 end, c.answered, c.answered * (1 + n % 5),
       case when n % 5 = 0 then c.answered * (n % 100000) else 0 end
  from generate_series(1, 1000000) n
  join tenants t on t.slug = 'house'
 cross join lateral (select engine.now() - n * interval '34.56 seconds' as at) w
 cross join lateral (select case when n % 10 = 0 then 0 else 1 end as answered) c
  join (select tenant_id, id, team_id, row_number() over (order by id) - 1 as place from agents) a
    on a.tenant_id = t.id and a.place = n % 10;
insert into lead_counted
select t.id, gen_random_uuid(), engine.now() - n * interval '69.12 seconds',
       (array['web_form', 'import', 'referral', 'manual'])[1 + n % 4],
       (array['new', 'contacted', 'qualified', 'converted', 'lost'])[1 + n % 5], a.team_id, a.id,
       case when n % 5 > 0 then 1 else 0 end, n % 7, case when n % 5 > 0 then 1 else 0 end,
       case when n % 5 > 1 then 1 else 0 end, case when n % 5 > 2 then 1 else 0 end, case when n % 5 = 3 then 1 else 0 end,
       case when n % 5 = 4 then 1 else 0 end, case when n % 5 = 3 then n % 100000 else 0 end, n % 1000
  from generate_series(1, 500000) n
  join tenants t on t.slug = 'house'
  join (select tenant_id, id, team_id, row_number() over (order by id) - 1 as place from agents) a
    on a.tenant_id = t.id and a.place = n % 10;
select recount_day(t.id, d::date)
  from tenants t, generate_series(engine.today() - 401, engine.today(), '1 day') d where t.slug = 'house'";

/// Writes what reports are made of.
pub async fn with_figures(house: &House) -> Outcome<()> {
    let mut conn = house.database.conn().await?;
    run(&mut conn, "set session_replication_role = replica; set work_mem = '256MB'").await?;
    run(&mut conn, FIGURES).await
}

/// Writes the jobs.
pub async fn with_jobs(house: &House) -> Outcome<()> {
    house.found("other").await?;
    let mut conn = house.database.conn().await?;
    run(&mut conn, PLACES).await?;
    run(&mut conn, "set session_replication_role = replica; set work_mem = '256MB'").await?;
    for first in (1..=HISTORY).step_by(BATCH as usize) {
        let last = (first + BATCH - 1).min(HISTORY);
        let ended = ENDED.replace("FULL", &HISTORY.to_string());
        let ended = ended.replace("FIRST", &first.to_string()).replace("LAST", &last.to_string());
        run(&mut conn, &ended).await?;
    }
    run(&mut conn, COUNTED).await?;
    run(&mut conn, BEFORE).await?;
    run(&mut conn, "select engine.census()").await
}

/// Some of everything else, so that there is one to look at.
pub async fn with_people(base: &str) -> Outcome<()> {
    let login = json!({"tenant": SLUG, "email": EMAIL, "password": PASSWORD});
    let client = Client::login(base.to_owned(), &login).await?;
    let id = |made: &Value| made["id"].clone();
    let team = id(&client.post("/api/v1/teams", &json!({"name": "Sales"})).await?);
    for name in people::agents(10) {
        let agent = json!({"name": name, "team_id": team, "status": "available", "capacity": 100});
        client.post("/api/v1/agents", &agent).await?;
    }
    let account = json!({"name": "Sandbox", "kind": "sandbox"});
    let account = id(&client.post("/api/v1/communication/providers", &account).await?);
    let template = json!({"name": "news", "channel": "email", "subject": "News", "text": "Dear {{name}}, there are news."});
    let template = id(&client.post("/api/v1/communication/templates", &template).await?);
    let mut lead = Value::Null;
    for number in 0..LEADS {
        lead = id(&client.post("/api/v1/leads", &people::lead(number)).await?);
        let message = json!({
            "provider_id": account, "template_id": template, "lead_id": lead, "variables": {"name": "Ada"},
        });
        client.post("/api/v1/communication/messages", &message).await?;
    }
    let campaign = json!({
        "name": "News", "audience": {},
        "content": {
            "purpose": "transactional", "channels": [{"channel": "email"}],
            "variants": [{"name": "a", "messages": [{"channel": "email", "template": "news"}]}],
        },
    });
    let campaign = id(&client.post("/api/v1/campaigns", &campaign).await?);
    let start = format!("/api/v1/campaigns/{}/start", campaign.as_str().unwrap_or_default());
    client.post(&start, &json!({})).await?;
    let input = json!({
        "lead_id": lead, "strategy": "round_robin", "team_id": team, "provider_id": account,
        "welcome_template_id": template, "follow_up_template_id": template,
    });
    client.post("/api/v1/workflows", &json!({"workflow": "onboard_lead", "input": input})).await?;
    let schedule = json!({"name": "Scores", "crontab": "0 3 * * *", "work": {"kind": "score_leads"}});
    client.post("/api/v1/schedules", &schedule).await?;
    client.post("/api/v1/compliance/gdpr/access", &json!({"lead_id": lead})).await?;
    Ok(())
}
