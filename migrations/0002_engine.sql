-- The only clock for due times. The tests' template database replaces it with one that advances.
create function engine.now() returns timestamptz
  language sql volatile parallel safe
  return clock_timestamp();

create function engine.today() returns date
  language sql volatile parallel safe
  return (engine.now() at time zone 'utc')::date;

-- The earliest instant at which work made ready by this transaction may be due. The transaction id
-- is allocated before the clock is read, so a claim that keeps a position per lane can tell which
-- rows may still appear behind it.
create function engine.ready_at() returns timestamptz
  language sql volatile
  return case when pg_current_xact_id() is not null then engine.now() end;

create table engine.queues (
  id int generated always as identity primary key,
  name text not null constraint queues_name_key unique,
  -- Grows with every change of an operator: a dispatcher that sees a new one reads its lanes again.
  revision bigint not null default 0
);
grant select on engine.queues to switchboard_app;
grant select, insert, update on engine.queues to switchboard_system;

-- A lane is a place that jobs wait in, in the order in which they are due. It also carries what operators
-- decided about it: pauses, limits and weight are worked out when they change, so that a claim only
-- reads its lanes. Work never touches it.
create table engine.lanes (
  id bigint generated always as identity primary key,
  queue_id int not null references engine.queues,
  tenant_id uuid not null,
  priority smallint not null constraint lanes_priority check (priority between 0 and 3),
  kind text not null,
  version smallint not null,
  limit_key text not null default '',
  -- Suspects wait apart; see engine.claim.
  isolated boolean not null default false,
  weight real not null default 1,
  paused_at timestamptz,
  -- No living node knows the kind or the version.
  parked_at timestamptz,
  limits bigint[] not null default '{}',
  constraint lanes_place_key
    unique (queue_id, tenant_id, priority, kind, version, limit_key, isolated)
);
create index lanes_tenant_kind_idx on engine.lanes (tenant_id, kind);
call engine.wall('engine.lanes');
grant select on engine.lanes to switchboard_app;
grant select, insert, update on engine.lanes to switchboard_system;

-- What is not finished. No column that a claim changes stands in an index or a predicate, and half
-- of each page is left free, so that claiming is a heap-only update. What a claim changes stands last:
-- then the write-ahead log holds only that, and not what lies between.
create table engine.jobs (
  id uuid not null,
  tenant_id uuid not null,
  lane bigint not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  timeout_ms int not null,
  max_attempts smallint not null,
  blames smallint not null default 0,
  suspect boolean not null default false,
  watched boolean not null default false,
  -- One of the jobs that a step of a workflow has spread into.
  spread boolean not null default false,
  args json not null,
  actor json not null,
  business_key text,
  unique_key text,
  trace text,
  deadline timestamptz,
  cancel_requested_at timestamptz,
  progress real,
  tags text[],
  note text,
  attempts jsonb,
  run_id uuid,
  step text,
  attempt smallint not null default 0,
  claim bigint,
  started_at timestamptz,
  node uuid,
  constraint jobs_pkey primary key (tenant_id, id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
-- What is always true keeps it from those who look for an id: in an empty table it would do as well as the key.
create index jobs_lane_idx on engine.jobs (lane, run_at, id) where lane is not null;
create index jobs_business_key_idx on engine.jobs (tenant_id, business_key, id)
  where business_key is not null;
create index jobs_cancel_idx on engine.jobs (cancel_requested_at) where cancel_requested_at is not null;
create index jobs_tags_idx on engine.jobs using gin (tags) with (fastupdate = off) where tags is not null;
create index jobs_spread_idx on engine.jobs (tenant_id, run_id) where spread;
call engine.wall('engine.jobs');
-- A job of a workflow's run that has ended, and a step that has; see engine.advance. A run's first job belongs to
-- no step.
create type engine.step_end as (tenant_id uuid, run_id uuid, step text, verdict text, output jsonb);
create type engine.step_gone as (tenant_id uuid, run_id uuid, name text, followers text[]);
grant select, insert, update, delete on engine.jobs to switchboard_app, switchboard_system;

-- What is finished, by the UTC day it finished on.
create table engine.job_history (
  id uuid not null,
  tenant_id uuid not null,
  lane bigint not null,
  created_at timestamptz not null,
  finished_at timestamptz not null,
  timeout_ms int not null,
  attempt smallint not null,
  max_attempts smallint not null,
  watched boolean not null,
  spread boolean not null,
  state text not null constraint job_history_state
    check (state in ('completed', 'cancelled', 'discarded', 'quarantined')),
  args json not null,
  actor json not null,
  started_at timestamptz,
  node uuid,
  business_key text,
  unique_key text,
  trace text,
  tags text[],
  note text,
  attempts jsonb,
  output jsonb,
  error_code text,
  run_id uuid,
  step text
) partition by range (finished_at);
create index job_history_id_idx on engine.job_history (tenant_id, id);
-- Rows come in the order in which they finish, so a block range index finds a span of time at hardly
-- any price; ids grow with time and serve the lists.
create index job_history_finished_idx on engine.job_history using brin (finished_at) with (autosummarize = on);
create index job_history_business_key_idx on engine.job_history (tenant_id, business_key, id)
  where business_key is not null;
create index job_history_tags_idx on engine.job_history using gin (tags) where tags is not null;
create index job_history_dead_idx on engine.job_history (tenant_id, id) where state <> 'completed';
create index job_history_spread_idx on engine.job_history (tenant_id, run_id, step) where spread and state <> 'completed';
call engine.wall('engine.job_history');
grant select, insert, delete on engine.job_history to switchboard_app, switchboard_system;
-- Uniqueness per tenant and kind: while the job is unfinished (`expires_at` null) or for a period.
create table engine.keys (
  tenant_id uuid not null,
  kind text not null,
  key text not null,
  job_id uuid not null,
  expires_at timestamptz,
  constraint keys_pkey primary key (tenant_id, kind, key)
);
create index keys_expires_idx on engine.keys (expires_at) where expires_at is not null;
call engine.wall('engine.keys');
grant select, insert, update, delete on engine.keys to switchboard_app, switchboard_system;

-- One row for each incarnation of a process.
create table engine.nodes (
  id uuid primary key,
  name text not null,
  roles text[] not null,
  build text not null,
  -- What it can run: the newest version of `kinds[i]` that it knows is `versions[i]`.
  kinds text[] not null default '{}',
  versions smallint[] not null default '{}',
  started_at timestamptz not null default clock_timestamp(),
  beat_at timestamptz not null default clock_timestamp(),
  beats bigint not null default 0,
  -- Since when it beats without a gap, where it had one: silence of others from before then may have
  -- been the database's.
  steady_since timestamptz,
  -- The suspect that it runs by itself, and whether it runs nothing else meanwhile.
  suspect_job uuid,
  suspect_alone boolean not null default false,
  -- By queue, the connection that its dispatcher speaks on: a claim on an earlier one is void.
  connections jsonb not null default '{}',
  -- Handlers that it has and those that run, over all of its queues, and whether it begins nothing more, as it said with
  -- its last beat.
  slots int not null default 0,
  busy int not null default 0,
  draining boolean not null default false
) with (fillfactor = 50);
grant select, insert, update, delete on engine.nodes to switchboard_system;
grant select on engine.nodes to switchboard_app;

-- Grows with every claimed batch; a completion must name the claim it was given.
create sequence engine.claim_fence;
grant usage on sequence engine.claim_fence to switchboard_system;

-- The log. Writers never number: `born` lets one numberer see what committed since its last look.
-- Not cached: within a batch the order of ids is the order of causes.
create sequence engine.log_id;
grant usage on sequence engine.log_id to switchboard_app, switchboard_system;
create table engine.log (
  day date not null default engine.today(),
  id bigint not null default nextval('engine.log_id'),
  tenant_id uuid not null,
  born xid8 not null default pg_current_xact_id(),
  at timestamptz not null default engine.now(),
  type text not null,
  subject text not null,
  body jsonb not null,
  constraint log_pkey primary key (day, id)
) partition by range (day);
create index log_born_idx on engine.log (born);
call engine.wall('engine.log');
grant select, insert on engine.log to switchboard_app, switchboard_system;

create table engine.log_order (
  day date not null,
  tenant_id uuid not null,
  seq bigint not null,
  batch bigint not null,
  log_day date not null,
  log_id bigint not null
) partition by range (day);
create index log_order_seq_idx on engine.log_order (tenant_id, seq);
create index log_order_batch_idx on engine.log_order (batch);
call engine.wall('engine.log_order');
grant select on engine.log_order to switchboard_app;
grant select, insert on engine.log_order to switchboard_system;

create table engine.log_heads (
  tenant_id uuid primary key,
  seq bigint not null
) with (fillfactor = 50);
call engine.wall('engine.log_heads');
grant select on engine.log_heads to switchboard_app;
grant select, insert, update on engine.log_heads to switchboard_system;

create table engine.log_batches (
  batch bigint primary key,
  snap pg_snapshot not null,
  numbered_at timestamptz not null default clock_timestamp()
);
grant select on engine.log_batches to switchboard_app;
grant select, insert, delete on engine.log_batches to switchboard_system;
insert into engine.log_batches (batch, snap) values (0, '1:1:');

-- Bounds on how much runs, exact across nodes: for a queue, for a tenant in a queue, or for a named
-- key of a tenant (a provider's account). A tenant in a queue may have a share other than 1 as well. Claims
-- count up; endings append to `limit_returns`, so that no ending waits for another.
create table engine.limits (
  id bigint generated always as identity primary key,
  queue_id int references engine.queues,
  tenant_id uuid,
  key text,
  max_running int constraint limits_max_running_positive check (max_running > 0),
  -- A token bucket: `burst` tokens at most, `rate_per_s` of them new each second.
  rate_per_s double precision constraint limits_rate_positive check (rate_per_s between 0.00001 and 1000000),
  burst int constraint limits_burst_positive check (burst > 0),
  weight real constraint limits_weight_bounds check (weight between 0.01 and 100),
  running int not null default 0,
  tokens double precision not null default 0,
  refilled_at timestamptz not null default engine.now(),
  constraint limits_scope check ((key is null and queue_id is not null) or (key is not null and tenant_id is not null)),
  constraint limits_says_something check (coalesce(max_running, rate_per_s, weight) is not null),
  constraint limits_weight_of_a_tenant check (weight is null or (queue_id is not null and tenant_id is not null and key is null)),
  constraint limits_rate_has_burst check ((rate_per_s is null) = (burst is null)),
  constraint limits_place_key unique nulls not distinct (queue_id, tenant_id, key)
) with (fillfactor = 50);
call engine.wall('engine.limits');
grant select on engine.limits to switchboard_app;
grant select, insert, update, delete on engine.limits to switchboard_system;

-- Slots that endings gave back and the next claim counts.
create table engine.limit_returns (
  limit_id bigint not null,
  slots int not null constraint limit_returns_slots check (slots between 1 and 1000000)
);
create index limit_returns_limit_idx on engine.limit_returns (limit_id);
grant insert on engine.limit_returns to switchboard_app;
grant select, insert, delete on engine.limit_returns to switchboard_system;

-- What was stopped: a queue, a tenant, a kind, or any two or three of them together. Whoever decided it takes it
-- back, and nobody else.
create table engine.pauses (
  id bigint generated always as identity primary key,
  decided_by text not null constraint pauses_decided_by check (decided_by in ('tenant', 'operator', 'product')),
  queue_id int references engine.queues,
  tenant_id uuid,
  kind text,
  why text not null default '',
  paused_at timestamptz not null default engine.now(),
  -- The product alone stops everything: where the database was restored.
  constraint pauses_scope check (decided_by = 'product' or num_nonnulls(queue_id, tenant_id, kind) > 0),
  constraint pauses_place_key unique nulls not distinct (decided_by, queue_id, tenant_id, kind)
);
call engine.wall('engine.pauses');
grant select on engine.pauses to switchboard_app;
grant select, insert, update, delete on engine.pauses to switchboard_system;

-- Counts appended by endings and folded once a second, so that no counter is a hot row.
-- `bucket` is the half decade of the attempt's duration: less than 10^(bucket/2) ms.
create table engine.tallies (
  minute timestamptz not null,
  tenant_id uuid not null,
  lane bigint not null,
  node uuid,
  what text not null,
  code text,
  bucket smallint,
  count int not null
);
call engine.wall('engine.tallies');
grant insert on engine.tallies to switchboard_app;
grant select, insert, delete on engine.tallies to switchboard_system;

-- The folded counts, by the minute.
create table engine.tally_minutes (
  minute timestamptz not null,
  tenant_id uuid not null,
  lane bigint not null,
  node uuid,
  what text not null,
  code text,
  bucket smallint,
  count bigint not null,
  constraint tally_minutes_place_key unique nulls not distinct (minute, tenant_id, lane, node, what, code, bucket)
);
call engine.wall('engine.tally_minutes');
grant select on engine.tally_minutes to switchboard_app;
grant select, insert, update, delete on engine.tally_minutes to switchboard_system;

-- The same by the hour of UTC, for whoever asks about many hours: a day has sixty times fewer of them to read.
create table engine.tally_hours (
  tenant_id uuid not null,
  what text not null,
  hour timestamptz not null,
  lane bigint not null,
  node uuid,
  code text,
  bucket smallint,
  count bigint not null,
  constraint tally_hours_place_key unique nulls not distinct (tenant_id, what, hour, lane, node, code, bucket)
);
-- Over all tenants, and for what is past its time: hours come in their order.
create index tally_hours_hour_idx on engine.tally_hours using brin (hour) with (autosummarize = on);
call engine.wall('engine.tally_hours');
grant select on engine.tally_hours to switchboard_app;
grant select, insert, update, delete on engine.tally_hours to switchboard_system;

-- How many jobs of a lane are unfinished, as the last census found: taken as often as it costs next to
-- nothing, so that neither an enqueue nor a page has to count.
create table engine.lane_depths (
  lane bigint primary key,
  tenant_id uuid not null,
  scheduled bigint not null,
  available bigint not null,
  running bigint not null,
  -- Those of the scheduled and of the available that failed before.
  retrying_scheduled bigint not null,
  retrying_available bigint not null,
  -- Since when the first of the available has been due.
  oldest_due_at timestamptz,
  counted_at timestamptz not null
) with (fillfactor = 50);
call engine.wall('engine.lane_depths');
grant select on engine.lane_depths to switchboard_app;
grant select, insert, update, delete on engine.lane_depths to switchboard_system;

-- Partitions from yesterday to `ahead` days from now, for every partitioned table of the engine.
-- Each is created apart and then attached: attaching takes a lock that lets work go on.
-- Runs as the owner: the system role may keep partitions ahead and no more.
create procedure engine.ensure_partitions(ahead int default 7)
  language plpgsql security definer set search_path = pg_catalog, engine as $$
declare
  parent text;
  part text;
  first date;
begin
  for parent in values ('job_history'), ('log'), ('log_order') loop
    for first in
      select d::date from generate_series(engine.today() - 1, engine.today() + ahead, '1 day') d
    loop
      part := format('%s_%s', parent, to_char(first, 'YYYYMMDD'));
      continue when to_regclass('engine.' || part) is not null;
      execute format('create table engine.%I (like engine.%I including defaults including constraints)', part, parent);
      if parent = 'job_history' then
        execute format('alter table engine.%I attach partition engine.%I for values from (%L) to (%L)',
          parent, part, first || ' 00:00+00', (first + 1) || ' 00:00+00');
      else
        execute format('alter table engine.%I attach partition engine.%I for values from (%L) to (%L)',
          parent, part, first, first + 1);
      end if;
    end loop;
  end loop;
end $$;
revoke all on procedure engine.ensure_partitions(int) from public;
grant execute on procedure engine.ensure_partitions(int) to switchboard_system;
call engine.ensure_partitions();
