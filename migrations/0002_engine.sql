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
  language plpgsql volatile as $$
begin
  perform pg_current_xact_id();
  return engine.now();
end $$;

create table engine.queues (
  id int generated always as identity primary key,
  name text not null constraint queues_name_key unique,
  paused_at timestamptz
);
grant select on engine.queues to switchboard_app;
grant select, insert, update on engine.queues to switchboard_system;

-- A lane is (queue, tenant, priority, limit key). Written once, never touched by work.
create table engine.lanes (
  id bigint generated always as identity primary key,
  queue_id int not null references engine.queues,
  tenant_id uuid not null,
  priority smallint not null constraint lanes_priority check (priority between 0 and 3),
  limit_key text not null default '',
  constraint lanes_place_key unique (queue_id, tenant_id, priority, limit_key)
);
call engine.wall('engine.lanes');
grant select on engine.lanes to switchboard_app;
grant select, insert on engine.lanes to switchboard_system;

-- What is not finished. No column that a claim changes stands in an index or a predicate, and half
-- of each page is left free, so that claiming is a heap-only update.
create table engine.jobs (
  id uuid not null,
  tenant_id uuid not null,
  lane bigint not null,
  queue_id int not null,
  priority smallint not null,
  attempt smallint not null default 0,
  max_attempts smallint not null,
  version smallint not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  deadline timestamptz,
  timeout_ms int not null,
  node uuid,
  claim bigint,
  started_at timestamptz,
  parked_at timestamptz,
  cancel_requested_at timestamptz,
  blames smallint not null default 0,
  suspect boolean not null default false,
  watched boolean not null default false,
  progress real,
  kind text not null,
  args jsonb not null,
  actor jsonb not null,
  trace text,
  business_key text,
  unique_key text,
  tags text[] not null default '{}',
  note text,
  attempts jsonb not null default '[]',
  run_id uuid,
  step text,
  constraint jobs_pkey primary key (tenant_id, id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index jobs_lane_idx on engine.jobs (lane, run_at, id);
create index jobs_business_key_idx on engine.jobs (tenant_id, business_key, id)
  where business_key is not null;
call engine.wall('engine.jobs');
grant select, insert, update, delete on engine.jobs to switchboard_app, switchboard_system;

-- What is finished, by the UTC day it finished on.
create table engine.job_history (
  id uuid not null,
  tenant_id uuid not null,
  queue_id int not null,
  priority smallint not null,
  attempt smallint not null,
  max_attempts smallint not null,
  version smallint not null,
  created_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz not null,
  node uuid,
  state text not null constraint job_history_state
    check (state in ('completed', 'cancelled', 'discarded', 'quarantined')),
  kind text not null,
  args jsonb not null,
  actor jsonb not null,
  trace text,
  business_key text,
  tags text[] not null,
  note text,
  attempts jsonb not null,
  output jsonb,
  error_code text,
  run_id uuid,
  step text
) partition by range (finished_at);
create index job_history_id_idx on engine.job_history (tenant_id, id);
create index job_history_finished_idx on engine.job_history (tenant_id, finished_at);
create index job_history_business_key_idx on engine.job_history (tenant_id, business_key, id)
  where business_key is not null;
call engine.wall('engine.job_history');
grant select, insert on engine.job_history to switchboard_app, switchboard_system;

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
  started_at timestamptz not null default clock_timestamp(),
  beat_at timestamptz not null default clock_timestamp(),
  beats bigint not null default 0,
  suspect_job uuid,
  stopping_at timestamptz
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
