-- Figures (domain/src/analytics). What is counted of a call or a lead stands in a row of its own, so that whatever becomes
-- of it the difference is added, and added once. Time is cut into quarter hours, since there are zones that are off by 30
-- and 45 minutes, and into days of UTC, for what is asked about long ranges by agent or outcome: the cut days at the ends of
-- such a range are read from the rows of their own.

-- How far the log and the audit log were read for a tenant. Whoever changes its figures holds the row.
create table rollup_positions (
  tenant_id uuid not null references tenants,
  sequence bigint not null default 0,
  audit_sequence bigint not null default 0,
  -- What had happened before it is counted.
  counted_until timestamptz not null default '-infinity',
  -- Something is missing: there were rows before anything was read, or the log was dropped before it was.
  rebuild_wanted boolean not null default false,
  -- Where a rebuild has come to: `calls`, `leads`, `days`; none while there is none.
  rebuild_step text
    constraint rollup_positions_step check (rebuild_step in ('calls', 'leads', 'days')),
  rebuild_cursor uuid not null default '00000000-0000-0000-0000-000000000000',
  rebuild_day date not null default '1970-01-01',
  rebuild_done bigint not null default 0,
  constraint rollup_positions_pkey primary key (tenant_id)
) with (fillfactor = 50);
call engine.wall('rollup_positions');
grant select, insert, update on rollup_positions to switchboard_app, switchboard_system;
insert into rollup_positions (tenant_id, sequence, rebuild_wanted)
select t.id, coalesce(h.seq, 0), true from tenants t left join engine.log_heads h on h.tenant_id = t.id;

-- What is counted of a call. No foreign key: it is taken back when it is noticed that the call is gone.
create table call_counted (
  tenant_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  direction text not null,
  team_id uuid,
  agent_id uuid,
  -- Empty for none.
  outcome text not null,
  answered int not null,
  handled int not null,
  offered int not null,
  lost int not null,
  in_time int not null,
  wait_ms bigint not null,
  talk_ms bigint not null,
  converted int not null,
  rated int not null,
  rating int not null,
  value_cents bigint not null,
  constraint call_counted_pkey primary key (tenant_id, id)
) with (fillfactor = 80);
create index call_counted_at_idx on call_counted (tenant_id, at);
call engine.wall('call_counted');
grant select, insert, update, delete on call_counted to switchboard_app, switchboard_system;

-- All calls together: what most charts and the figures that stand out are made of. With many teams almost every call has a row
-- of `call_quarters` to itself, and a year of those is too much to add up while somebody waits.
create table call_totals (
  tenant_id uuid not null,
  quarter timestamptz not null,
  calls bigint not null,
  answered bigint not null,
  handled bigint not null,
  offered bigint not null,
  lost bigint not null,
  in_time bigint not null,
  wait_ms bigint not null,
  talk_ms bigint not null,
  converted bigint not null,
  rated bigint not null,
  rating bigint not null,
  value_cents bigint not null,
  constraint call_totals_pkey primary key (tenant_id, quarter)
) with (fillfactor = 70);
call engine.wall('call_totals');
grant select, insert, update, delete on call_totals to switchboard_app, switchboard_system;

create table call_quarters (
  tenant_id uuid not null,
  quarter timestamptz not null,
  direction text not null,
  team_id uuid,
  calls bigint not null,
  answered bigint not null,
  handled bigint not null,
  offered bigint not null,
  lost bigint not null,
  in_time bigint not null,
  wait_ms bigint not null,
  talk_ms bigint not null,
  converted bigint not null,
  rated bigint not null,
  rating bigint not null,
  value_cents bigint not null
) with (fillfactor = 70);
create unique index call_quarters_key on call_quarters (tenant_id, quarter, direction, team_id) nulls not distinct;
call engine.wall('call_quarters');
grant select, insert, update, delete on call_quarters to switchboard_app, switchboard_system;

create table call_days (
  tenant_id uuid not null,
  day date not null,
  direction text not null,
  team_id uuid,
  agent_id uuid,
  calls bigint not null,
  answered bigint not null,
  handled bigint not null,
  offered bigint not null,
  lost bigint not null,
  in_time bigint not null,
  wait_ms bigint not null,
  talk_ms bigint not null,
  converted bigint not null,
  rated bigint not null,
  rating bigint not null,
  value_cents bigint not null
) with (fillfactor = 70);
create unique index call_days_key on call_days (tenant_id, day, direction, team_id, agent_id) nulls not distinct;
call engine.wall('call_days');
grant select, insert, update, delete on call_days to switchboard_app, switchboard_system;

create table call_outcomes (
  tenant_id uuid not null,
  day date not null,
  direction text not null,
  team_id uuid,
  outcome text not null,
  calls bigint not null
) with (fillfactor = 70);
create unique index call_outcomes_key on call_outcomes (tenant_id, day, direction, team_id, outcome) nulls not distinct;
call engine.wall('call_outcomes');
grant select, insert, update, delete on call_outcomes to switchboard_app, switchboard_system;

-- What is counted of a lead, as it is now, where it came in.
create table lead_counted (
  tenant_id uuid not null,
  id uuid not null,
  at timestamptz not null,
  source text not null,
  status text not null,
  team_id uuid,
  owner_id uuid,
  engaged int not null,
  activities bigint not null,
  contacted int not null,
  qualified int not null,
  proposal int not null,
  converted int not null,
  lost int not null,
  value_cents bigint not null,
  cost_cents bigint not null,
  constraint lead_counted_pkey primary key (tenant_id, id)
) with (fillfactor = 80);
create index lead_counted_at_idx on lead_counted (tenant_id, at);
call engine.wall('lead_counted');
grant select, insert, update, delete on lead_counted to switchboard_app, switchboard_system;

-- The same of leads.
create table lead_totals (
  tenant_id uuid not null,
  quarter timestamptz not null,
  leads bigint not null,
  engaged bigint not null,
  activities bigint not null,
  contacted bigint not null,
  qualified bigint not null,
  proposal bigint not null,
  converted bigint not null,
  lost bigint not null,
  value_cents bigint not null,
  cost_cents bigint not null,
  constraint lead_totals_pkey primary key (tenant_id, quarter)
) with (fillfactor = 70);
call engine.wall('lead_totals');
grant select, insert, update, delete on lead_totals to switchboard_app, switchboard_system;

create table lead_quarters (
  tenant_id uuid not null,
  quarter timestamptz not null,
  source text not null,
  leads bigint not null,
  engaged bigint not null,
  activities bigint not null,
  contacted bigint not null,
  qualified bigint not null,
  proposal bigint not null,
  converted bigint not null,
  lost bigint not null,
  value_cents bigint not null,
  cost_cents bigint not null,
  constraint lead_quarters_pkey primary key (tenant_id, quarter, source)
) with (fillfactor = 70);
call engine.wall('lead_quarters');
grant select, insert, update, delete on lead_quarters to switchboard_app, switchboard_system;

create table lead_days (
  tenant_id uuid not null,
  day date not null,
  source text not null,
  status text not null,
  team_id uuid,
  leads bigint not null,
  engaged bigint not null,
  activities bigint not null,
  contacted bigint not null,
  qualified bigint not null,
  proposal bigint not null,
  converted bigint not null,
  lost bigint not null,
  value_cents bigint not null,
  cost_cents bigint not null
) with (fillfactor = 70);
create unique index lead_days_key on lead_days (tenant_id, day, source, status, team_id) nulls not distinct;
call engine.wall('lead_days');
grant select, insert, update, delete on lead_days to switchboard_app, switchboard_system;

create table lead_owners (
  tenant_id uuid not null,
  day date not null,
  owner_id uuid,
  leads bigint not null,
  converted bigint not null,
  lost bigint not null,
  value_cents bigint not null
) with (fillfactor = 70);
create unique index lead_owners_key on lead_owners (tenant_id, day, owner_id) nulls not distinct;
call engine.wall('lead_owners');
grant select, insert, update, delete on lead_owners to switchboard_app, switchboard_system;

-- What agents were, from when to when, once they are something else; and how much of it falls on each day of UTC.
create table agent_spells (
  tenant_id uuid not null,
  agent_id uuid not null,
  began timestamptz not null,
  ended timestamptz not null,
  status text not null,
  constraint agent_spells_pkey primary key (tenant_id, agent_id, ended),
  constraint agent_spells_length check (ended > began)
);
call engine.wall('agent_spells');
grant select, insert on agent_spells to switchboard_app, switchboard_system;

create table agent_days (
  tenant_id uuid not null,
  day date not null,
  agent_id uuid not null,
  status text not null,
  ms bigint not null,
  constraint agent_days_pkey primary key (tenant_id, day, agent_id, status)
) with (fillfactor = 70);
call engine.wall('agent_days');
grant select, insert, update on agent_days to switchboard_app, switchboard_system;

-- Nobody waits for another's row here but who waits for the same agent already.
create function keep_agent_spell() returns trigger language plpgsql as $$
begin
  insert into agent_spells (tenant_id, agent_id, began, ended, status)
  select old.tenant_id, old.id, old.status_since, new.status_since, old.status
   where new.status_since > old.status_since
  on conflict do nothing;
  insert into agent_days as d (tenant_id, day, agent_id, status, ms)
  select old.tenant_id, (day at time zone 'UTC')::date, old.id, old.status,
         (extract(epoch from least(day + interval '24 hours', new.status_since) - greatest(day, old.status_since)) * 1000)::bigint
    from generate_series(date_trunc('day', old.status_since, 'UTC'), new.status_since, interval '24 hours') as day
   where least(day + interval '24 hours', new.status_since) > greatest(day, old.status_since)
  on conflict on constraint agent_days_pkey do update set ms = d.ms + excluded.ms;
  return null;
end $$;
create trigger agents_spells after update of status on agents
  for each row when (old.status is distinct from new.status) execute function keep_agent_spell();

-- What users did, by the entries of the audit log.
create table action_quarters (
  tenant_id uuid not null,
  quarter timestamptz not null,
  user_id uuid not null,
  actions bigint not null,
  constraint action_quarters_pkey primary key (tenant_id, quarter, user_id)
) with (fillfactor = 70);
call engine.wall('action_quarters');
grant select, insert, update on action_quarters to switchboard_app, switchboard_system;

create table action_days (
  tenant_id uuid not null,
  day date not null,
  user_id uuid not null,
  actions bigint not null,
  constraint action_days_pkey primary key (tenant_id, day, user_id)
) with (fillfactor = 70);
call engine.wall('action_days');
grant select, insert, update on action_days to switchboard_app, switchboard_system;

-- Reports that were made. They name agents by their ids; who may see names sees them when they fetch one.
create table reports_made (
  tenant_id uuid not null references tenants,
  id uuid not null,
  kind text not null,
  report jsonb not null,
  made_at timestamptz not null default engine.now(),
  constraint reports_made_pkey primary key (tenant_id, id)
);
create index reports_made_at_idx on reports_made (made_at);
call engine.wall('reports_made');
grant select, insert on reports_made to switchboard_app, switchboard_system;
grant delete on reports_made to switchboard_system;

create function quarter_of(at timestamptz) returns timestamptz
  language sql immutable parallel safe
  return date_bin('15 minutes', at, timestamptz '2000-01-01 00:00:00+00');

create function utc_day(at timestamptz) returns date
  language sql immutable parallel safe
  return (at at time zone 'UTC')::date;

create function whole_ms(span interval) returns bigint
  language sql immutable parallel safe
  return greatest((extract(epoch from span) * 1000)::bigint, 0);

-- What some calls count for at this moment. Incoming calls are offered once it is known that they were answered or lost;
-- those that came to no team at all are not, for nobody could have answered them.
create function call_figures(tenant uuid, ids uuid[]) returns setof call_counted
  language sql stable set enable_seqscan = off
begin atomic
  select c.tenant_id, c.id, c.started_at, c.direction, c.team_id, c.agent_id, coalesce(c.outcome, ''),
         (c.answered_at is not null)::int,
         (c.status = 'ended')::int,
         (w.offered and (c.answered_at is not null or c.ended_at is not null))::int,
         (w.offered and c.answered_at is null and c.ended_at is not null)::int,
         (w.offered and c.answered_at is not null and c.answered_at <= c.started_at + interval '20 seconds')::int,
         case when w.offered and c.answered_at is not null then whole_ms(c.answered_at - c.started_at) else 0 end,
         case when c.status = 'ended' and c.answered_at is not null then whole_ms(c.ended_at - c.answered_at) else 0 end,
         coalesce(c.outcome = 'converted', false)::int,
         (c.satisfaction is not null)::int,
         coalesce(c.satisfaction, 0)::int,
         case when c.outcome = 'converted' then coalesce(c.value_cents, 0) else 0 end
    from calls c
   cross join lateral (
     select c.direction = 'inbound' and coalesce(c.outcome, '') <> 'no_team' as offered) w
   where c.tenant_id = tenant and c.id = any(ids);
end;

-- Adds to the figures what some calls count for now and did not before. Answers how many have changed. Whoever calls it
-- holds the tenant's position.
create function count_calls(tenant uuid, ids uuid[]) returns bigint
  language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  changed bigint;
begin
  with fresh as materialized (
    select * from call_figures(tenant, ids)
  ), former as materialized (
    select * from call_counted c where c.tenant_id = tenant and c.id = any(ids)
  ), moved as materialized (
    select f.*, 1 as sign from fresh f left join former o on o.id = f.id where o.id is null or o is distinct from f
     union all
    select o.*, -1 from former o left join fresh f on f.id = o.id where f.id is null or f is distinct from o
  ), gone as (
    delete from call_counted c using former o
     where c.tenant_id = tenant and c.id = o.id and not exists (select from fresh f where f.id = o.id)
  ), kept as (
    insert into call_counted as c
    select m.tenant_id, m.id, m.at, m.direction, m.team_id, m.agent_id, m.outcome, m.answered, m.handled, m.offered, m.lost,
           m.in_time, m.wait_ms, m.talk_ms, m.converted, m.rated, m.rating, m.value_cents
      from moved m where m.sign = 1 order by m.id
    on conflict on constraint call_counted_pkey do update
       set at = excluded.at, direction = excluded.direction, team_id = excluded.team_id, agent_id = excluded.agent_id,
           outcome = excluded.outcome, answered = excluded.answered, handled = excluded.handled,
           offered = excluded.offered, lost = excluded.lost, in_time = excluded.in_time, wait_ms = excluded.wait_ms,
           talk_ms = excluded.talk_ms, converted = excluded.converted, rated = excluded.rated, rating = excluded.rating,
           value_cents = excluded.value_cents
  ), quarters as (
    insert into call_quarters as q
    select tenant, quarter_of(m.at), m.direction, m.team_id, sum(m.sign), sum(m.sign * m.answered), sum(m.sign * m.handled),
           sum(m.sign * m.offered), sum(m.sign * m.lost), sum(m.sign * m.in_time), sum(m.sign * m.wait_ms),
           sum(m.sign * m.talk_ms), sum(m.sign * m.converted), sum(m.sign * m.rated), sum(m.sign * m.rating),
           sum(m.sign * m.value_cents)
      from moved m group by 2, 3, 4
    on conflict (tenant_id, quarter, direction, team_id) do update
       set calls = q.calls + excluded.calls, answered = q.answered + excluded.answered,
           handled = q.handled + excluded.handled, offered = q.offered + excluded.offered, lost = q.lost + excluded.lost,
           in_time = q.in_time + excluded.in_time, wait_ms = q.wait_ms + excluded.wait_ms,
           talk_ms = q.talk_ms + excluded.talk_ms, converted = q.converted + excluded.converted,
           rated = q.rated + excluded.rated, rating = q.rating + excluded.rating,
           value_cents = q.value_cents + excluded.value_cents
  ), totals as (
    insert into call_totals as t
    select tenant, quarter_of(m.at), sum(m.sign), sum(m.sign * m.answered), sum(m.sign * m.handled), sum(m.sign * m.offered),
           sum(m.sign * m.lost), sum(m.sign * m.in_time), sum(m.sign * m.wait_ms), sum(m.sign * m.talk_ms),
           sum(m.sign * m.converted), sum(m.sign * m.rated), sum(m.sign * m.rating), sum(m.sign * m.value_cents)
      from moved m group by 2
    on conflict on constraint call_totals_pkey do update
       set calls = t.calls + excluded.calls, answered = t.answered + excluded.answered,
           handled = t.handled + excluded.handled, offered = t.offered + excluded.offered, lost = t.lost + excluded.lost,
           in_time = t.in_time + excluded.in_time, wait_ms = t.wait_ms + excluded.wait_ms,
           talk_ms = t.talk_ms + excluded.talk_ms, converted = t.converted + excluded.converted,
           rated = t.rated + excluded.rated, rating = t.rating + excluded.rating,
           value_cents = t.value_cents + excluded.value_cents
  ), days as (
    insert into call_days as d
    select tenant, utc_day(m.at), m.direction, m.team_id, m.agent_id, sum(m.sign), sum(m.sign * m.answered),
           sum(m.sign * m.handled), sum(m.sign * m.offered), sum(m.sign * m.lost), sum(m.sign * m.in_time),
           sum(m.sign * m.wait_ms), sum(m.sign * m.talk_ms), sum(m.sign * m.converted), sum(m.sign * m.rated),
           sum(m.sign * m.rating), sum(m.sign * m.value_cents)
      from moved m group by 2, 3, 4, 5
    on conflict (tenant_id, day, direction, team_id, agent_id) do update
       set calls = d.calls + excluded.calls, answered = d.answered + excluded.answered,
           handled = d.handled + excluded.handled, offered = d.offered + excluded.offered, lost = d.lost + excluded.lost,
           in_time = d.in_time + excluded.in_time, wait_ms = d.wait_ms + excluded.wait_ms,
           talk_ms = d.talk_ms + excluded.talk_ms, converted = d.converted + excluded.converted,
           rated = d.rated + excluded.rated, rating = d.rating + excluded.rating,
           value_cents = d.value_cents + excluded.value_cents
  ), outcomes as (
    insert into call_outcomes as o
    select tenant, utc_day(m.at), m.direction, m.team_id, m.outcome, sum(m.sign) from moved m group by 2, 3, 4, 5
    on conflict (tenant_id, day, direction, team_id, outcome) do update set calls = o.calls + excluded.calls
  )
  select count(distinct m.id) into changed from moved m;
  return changed;
end $$;

-- What some leads count for at this moment. How far one had come that was lost is told by its timeline.
create function lead_figures(tenant uuid, ids uuid[]) returns setof lead_counted
  language sql stable set enable_seqscan = off
begin atomic
  select l.tenant_id, l.id, l.created_at, l.source, l.status, l.team_id, l.owner_id,
         (l.activities > 0)::int, l.activities::bigint, (r.reached >= 1)::int, (r.reached >= 2)::int, (r.reached >= 3)::int,
         (l.status = 'converted')::int, (l.status = 'lost')::int,
         case when l.status = 'converted' then coalesce(l.value_cents, 0) else 0 end, coalesce(l.cost_cents, 0)
    from leads l
   cross join lateral (
     select case l.status
              when 'contacted' then 1 when 'qualified' then 2 when 'proposal' then 3 when 'converted' then 4
              when 'lost' then coalesce((
                select max(case a.status when 'contacted' then 1 when 'qualified' then 2
                                         when 'proposal' then 3 when 'converted' then 4 else 0 end)
                  from lead_activities a
                 where a.tenant_id = l.tenant_id and a.lead_id = l.id and a.kind = 'status'), 0)
              else 0 end as reached) r
   where l.tenant_id = tenant and l.id = any(ids);
end;

-- The same as of calls.
create function count_leads(tenant uuid, ids uuid[]) returns bigint
  language plpgsql set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  changed bigint;
begin
  with fresh as materialized (
    select * from lead_figures(tenant, ids)
  ), former as materialized (
    select * from lead_counted c where c.tenant_id = tenant and c.id = any(ids)
  ), moved as materialized (
    select f.*, 1 as sign from fresh f left join former o on o.id = f.id where o.id is null or o is distinct from f
     union all
    select o.*, -1 from former o left join fresh f on f.id = o.id where f.id is null or f is distinct from o
  ), gone as (
    delete from lead_counted c using former o
     where c.tenant_id = tenant and c.id = o.id and not exists (select from fresh f where f.id = o.id)
  ), kept as (
    insert into lead_counted as c
    select m.tenant_id, m.id, m.at, m.source, m.status, m.team_id, m.owner_id, m.engaged, m.activities, m.contacted,
           m.qualified, m.proposal, m.converted, m.lost, m.value_cents, m.cost_cents
      from moved m where m.sign = 1 order by m.id
    on conflict on constraint lead_counted_pkey do update
       set at = excluded.at, source = excluded.source, status = excluded.status, team_id = excluded.team_id,
           owner_id = excluded.owner_id, engaged = excluded.engaged, activities = excluded.activities,
           contacted = excluded.contacted, qualified = excluded.qualified, proposal = excluded.proposal,
           converted = excluded.converted, lost = excluded.lost, value_cents = excluded.value_cents,
           cost_cents = excluded.cost_cents
  ), quarters as (
    insert into lead_quarters as q
    select tenant, quarter_of(m.at), m.source, sum(m.sign), sum(m.sign * m.engaged), sum(m.sign * m.activities),
           sum(m.sign * m.contacted), sum(m.sign * m.qualified), sum(m.sign * m.proposal), sum(m.sign * m.converted),
           sum(m.sign * m.lost), sum(m.sign * m.value_cents), sum(m.sign * m.cost_cents)
      from moved m group by 2, 3
    on conflict on constraint lead_quarters_pkey do update
       set leads = q.leads + excluded.leads, engaged = q.engaged + excluded.engaged,
           activities = q.activities + excluded.activities, contacted = q.contacted + excluded.contacted,
           qualified = q.qualified + excluded.qualified, proposal = q.proposal + excluded.proposal,
           converted = q.converted + excluded.converted, lost = q.lost + excluded.lost,
           value_cents = q.value_cents + excluded.value_cents, cost_cents = q.cost_cents + excluded.cost_cents
  ), totals as (
    insert into lead_totals as t
    select tenant, quarter_of(m.at), sum(m.sign), sum(m.sign * m.engaged), sum(m.sign * m.activities),
           sum(m.sign * m.contacted), sum(m.sign * m.qualified), sum(m.sign * m.proposal), sum(m.sign * m.converted),
           sum(m.sign * m.lost), sum(m.sign * m.value_cents), sum(m.sign * m.cost_cents)
      from moved m group by 2
    on conflict on constraint lead_totals_pkey do update
       set leads = t.leads + excluded.leads, engaged = t.engaged + excluded.engaged,
           activities = t.activities + excluded.activities, contacted = t.contacted + excluded.contacted,
           qualified = t.qualified + excluded.qualified, proposal = t.proposal + excluded.proposal,
           converted = t.converted + excluded.converted, lost = t.lost + excluded.lost,
           value_cents = t.value_cents + excluded.value_cents, cost_cents = t.cost_cents + excluded.cost_cents
  ), days as (
    insert into lead_days as d
    select tenant, utc_day(m.at), m.source, m.status, m.team_id, sum(m.sign), sum(m.sign * m.engaged),
           sum(m.sign * m.activities), sum(m.sign * m.contacted), sum(m.sign * m.qualified), sum(m.sign * m.proposal),
           sum(m.sign * m.converted), sum(m.sign * m.lost), sum(m.sign * m.value_cents), sum(m.sign * m.cost_cents)
      from moved m group by 2, 3, 4, 5
    on conflict (tenant_id, day, source, status, team_id) do update
       set leads = d.leads + excluded.leads, engaged = d.engaged + excluded.engaged,
           activities = d.activities + excluded.activities, contacted = d.contacted + excluded.contacted,
           qualified = d.qualified + excluded.qualified, proposal = d.proposal + excluded.proposal,
           converted = d.converted + excluded.converted, lost = d.lost + excluded.lost,
           value_cents = d.value_cents + excluded.value_cents, cost_cents = d.cost_cents + excluded.cost_cents
  ), owners as (
    insert into lead_owners as o
    select tenant, utc_day(m.at), m.owner_id, sum(m.sign), sum(m.sign * m.converted), sum(m.sign * m.lost),
           sum(m.sign * m.value_cents)
      from moved m group by 2, 3
    on conflict (tenant_id, day, owner_id) do update
       set leads = o.leads + excluded.leads, converted = o.converted + excluded.converted, lost = o.lost + excluded.lost,
           value_cents = o.value_cents + excluded.value_cents
  )
  select count(distinct m.id) into changed from moved m;
  return changed;
end $$;

-- Adds a day of UTC up anew from what is counted of each call and lead. Nobody sees it half done.
create function recount_day(tenant uuid, wanted date) returns void
  language plpgsql set enable_seqscan = off as $$
declare
  lo timestamptz := wanted::timestamp at time zone 'UTC';
  hi timestamptz := (wanted + 1)::timestamp at time zone 'UTC';
begin
  delete from call_totals t where t.tenant_id = tenant and t.quarter >= lo and t.quarter < hi;
  delete from call_quarters q where q.tenant_id = tenant and q.quarter >= lo and q.quarter < hi;
  delete from call_days d where d.tenant_id = tenant and d.day = wanted;
  delete from call_outcomes o where o.tenant_id = tenant and o.day = wanted;
  delete from lead_totals t where t.tenant_id = tenant and t.quarter >= lo and t.quarter < hi;
  delete from lead_quarters q where q.tenant_id = tenant and q.quarter >= lo and q.quarter < hi;
  delete from lead_days d where d.tenant_id = tenant and d.day = wanted;
  delete from lead_owners o where o.tenant_id = tenant and o.day = wanted;
  insert into call_totals
  select tenant, quarter_of(c.at), count(*), sum(c.answered), sum(c.handled), sum(c.offered), sum(c.lost), sum(c.in_time),
         sum(c.wait_ms), sum(c.talk_ms), sum(c.converted), sum(c.rated), sum(c.rating), sum(c.value_cents)
    from call_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 2;
  insert into call_quarters
  select tenant, quarter_of(c.at), c.direction, c.team_id, count(*), sum(c.answered), sum(c.handled), sum(c.offered),
         sum(c.lost), sum(c.in_time), sum(c.wait_ms), sum(c.talk_ms), sum(c.converted), sum(c.rated), sum(c.rating),
         sum(c.value_cents)
    from call_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 2, 3, 4;
  insert into call_days
  select tenant, wanted, c.direction, c.team_id, c.agent_id, count(*), sum(c.answered), sum(c.handled), sum(c.offered),
         sum(c.lost), sum(c.in_time), sum(c.wait_ms), sum(c.talk_ms), sum(c.converted), sum(c.rated), sum(c.rating),
         sum(c.value_cents)
    from call_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 3, 4, 5;
  insert into call_outcomes
  select tenant, wanted, c.direction, c.team_id, c.outcome, count(*)
    from call_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 3, 4, 5;
  insert into lead_totals
  select tenant, quarter_of(c.at), count(*), sum(c.engaged), sum(c.activities), sum(c.contacted), sum(c.qualified),
         sum(c.proposal), sum(c.converted), sum(c.lost), sum(c.value_cents), sum(c.cost_cents)
    from lead_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 2;
  insert into lead_quarters
  select tenant, quarter_of(c.at), c.source, count(*), sum(c.engaged), sum(c.activities), sum(c.contacted),
         sum(c.qualified), sum(c.proposal), sum(c.converted), sum(c.lost), sum(c.value_cents), sum(c.cost_cents)
    from lead_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 2, 3;
  insert into lead_days
  select tenant, wanted, c.source, c.status, c.team_id, count(*), sum(c.engaged), sum(c.activities), sum(c.contacted),
         sum(c.qualified), sum(c.proposal), sum(c.converted), sum(c.lost), sum(c.value_cents), sum(c.cost_cents)
    from lead_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 3, 4, 5;
  insert into lead_owners
  select tenant, wanted, c.owner_id, count(*), sum(c.converted), sum(c.lost), sum(c.value_cents)
    from lead_counted c where c.tenant_id = tenant and c.at >= lo and c.at < hi group by 3;
end $$;

-- Adds some entries of the audit log, those behind a place in their order, to what users did. Answers up to where.
create function count_actions(tenant uuid, after bigint, most int) returns bigint
  language plpgsql set enable_seqscan = off as $$
declare
  upto bigint;
begin
  with part as materialized (
    select a.seq, a.at, a.actor_kind, a.actor_id from audit_log a
     where a.tenant_id = tenant and a.seq > after order by a.seq limit most
  ), quarters as (
    insert into action_quarters as q
    select tenant, quarter_of(p.at), p.actor_id, count(*) from part p
     where p.actor_kind = 'user' and p.actor_id is not null group by 2, 3
    on conflict on constraint action_quarters_pkey do update set actions = q.actions + excluded.actions
  ), days as (
    insert into action_days as d
    select tenant, utc_day(p.at), p.actor_id, count(*) from part p
     where p.actor_kind = 'user' and p.actor_id is not null group by 2, 3
    on conflict on constraint action_days_pkey do update set actions = d.actions + excluded.actions
  )
  -- Where there is nothing, what was sealed is read, or is in the archive and will not come back.
  select coalesce(max(p.seq), greatest(after, (select max(h.seq) from audit_heads h where h.tenant_id = tenant)))
    into upto from part p;
  return upto;
end $$;

-- Runs of a range.
create index campaign_runs_started_idx on campaign_runs (tenant_id, started_at);

-- Messages are counted by the quarter hour as well: what is asked by the hour adds four of them up.
alter table message_counts rename column hour to quarter;
alter table message_count_changes rename column hour to quarter;

create or replace function count_new_messages() returns trigger language plpgsql as $$
begin
  insert into message_count_changes
         (tenant_id, quarter, channel, provider_id, template_id, purpose, status, failure, code, n)
  select tenant_id, quarter_of(created_at), channel, provider_id, template_id, purpose, status, failure, error_code,
         count(*)
    from fresh
   group by 1, 2, 3, 4, 5, 6, 7, 8, 9;
  return null;
end $$;

create or replace function count_changed_messages() returns trigger language plpgsql as $$
begin
  insert into message_count_changes
         (tenant_id, quarter, channel, provider_id, template_id, purpose, status, failure, code, n)
  select tenant_id, quarter, channel, provider_id, template_id, purpose, status, failure, error_code, sum(n)
    from (select tenant_id, quarter_of(created_at) as quarter, channel, provider_id, template_id, purpose, status, failure,
                 error_code, 1 as n
            from fresh
           union all
          select tenant_id, quarter_of(created_at), channel, provider_id, template_id, purpose, status, failure,
                 error_code, -1
            from former) both_sides
   group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  having sum(n) <> 0;
  return null;
end $$;

-- Of them by the quarter hour and status, and by the day of UTC: what reports add up. Many templates make `message_counts`
-- almost as long as messages are many. Upkeep writes them along with it.
create table message_totals (
  tenant_id uuid not null references tenants,
  quarter timestamptz not null,
  status text not null,
  n bigint not null,
  constraint message_totals_pkey primary key (tenant_id, quarter, status)
) with (fillfactor = 70);
call engine.wall('message_totals');
grant select, insert, update, delete on message_totals to switchboard_app, switchboard_system;
insert into message_totals select tenant_id, quarter, status, sum(n) from message_counts group by 1, 2, 3;

create table message_days (
  tenant_id uuid not null references tenants,
  day date not null,
  channel text not null,
  provider_id uuid,
  template_id uuid not null,
  purpose text not null,
  status text not null,
  n bigint not null
) with (fillfactor = 70);
create unique index message_days_key on message_days
  (tenant_id, day, channel, template_id, purpose, status, provider_id) nulls not distinct;
call engine.wall('message_days');
grant select, insert, update, delete on message_days to switchboard_app, switchboard_system;
insert into message_days
select tenant_id, utc_day(quarter), channel, provider_id, template_id, purpose, status, sum(n)
  from message_counts group by 1, 2, 3, 4, 5, 6, 7;
