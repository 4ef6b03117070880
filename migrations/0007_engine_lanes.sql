-- A lane now also says the kind and its version, and carries what operators decided about it: pauses,
-- limits and weight are worked out when they change, so that a claim only reads its lanes.
create temp table jobs_before on commit drop as select * from engine.jobs;
create temp table history_before on commit drop as select * from engine.job_history;
drop function engine.claim, engine.finish, engine.enqueue, engine.rescue, engine.attempt_record;
drop table engine.jobs, engine.job_history;
delete from engine.lanes;

alter table engine.queues
  drop column paused_at,
  -- Grows with every change of an operator: a dispatcher that sees a new one reads its lanes again.
  add revision bigint not null default 0;
alter table engine.lanes
  drop constraint lanes_place_key,
  add kind text not null,
  add version smallint not null,
  -- Suspects wait apart: a node runs one of them at a time.
  add isolated boolean not null default false,
  add weight real not null default 1,
  add paused_at timestamptz,
  -- No living node knows the kind or the version.
  add parked_at timestamptz,
  add limits bigint[] not null default '{}',
  add constraint lanes_place_key
    unique (queue_id, tenant_id, priority, kind, version, limit_key, isolated);
create index lanes_tenant_kind_idx on engine.lanes (tenant_id, kind);
grant update on engine.lanes to switchboard_system;

-- What is not finished. No column that a claim changes stands in an index or a predicate, and half
-- of each page is left free, so that claiming is a heap-only update.
create table engine.jobs (
  id uuid not null,
  tenant_id uuid not null,
  lane bigint not null,
  run_at timestamptz not null,
  created_at timestamptz not null,
  timeout_ms int not null,
  attempt smallint not null default 0,
  max_attempts smallint not null,
  blames smallint not null default 0,
  suspect boolean not null default false,
  watched boolean not null default false,
  args json not null,
  actor json not null,
  claim bigint,
  started_at timestamptz,
  node uuid,
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
  constraint jobs_pkey primary key (tenant_id, id)
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index jobs_lane_idx on engine.jobs (lane, run_at, id);
create index jobs_business_key_idx on engine.jobs (tenant_id, business_key, id)
  where business_key is not null;
create index jobs_cancel_idx on engine.jobs (cancel_requested_at) where cancel_requested_at is not null;
create index jobs_tags_idx on engine.jobs using gin (tags) with (fastupdate = off) where tags is not null;
call engine.wall('engine.jobs');
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
create index job_history_dead_idx on engine.job_history (tenant_id, id)
  where state in ('discarded', 'quarantined');
call engine.wall('engine.job_history');
grant select, insert, delete on engine.job_history to switchboard_app, switchboard_system;
call engine.ensure_partitions();

insert into engine.lanes (queue_id, tenant_id, priority, kind, version)
select queue_id, tenant_id, priority, kind, version from jobs_before
union
select queue_id, tenant_id, priority, kind, version from history_before;
insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, attempt, max_attempts, blames,
    watched, args, actor, claim, started_at, node, business_key, unique_key, trace, deadline,
    cancel_requested_at, progress, tags, note, attempts, run_id, step)
select b.id, b.tenant_id, l.id, b.run_at, b.created_at, b.timeout_ms, b.attempt, b.max_attempts, b.blames,
       b.watched, b.args::json, b.actor::json, b.claim, b.started_at, b.node, b.business_key, b.unique_key, b.trace,
       b.deadline, b.cancel_requested_at, b.progress, nullif(b.tags, '{}'), b.note,
       nullif(b.attempts, '[]'), b.run_id, b.step
  from jobs_before b join engine.lanes l using (queue_id, tenant_id, priority, kind, version);
-- Partitions reach back to yesterday; what finished before then is not carried over.
insert into engine.job_history (id, tenant_id, lane, created_at, finished_at, timeout_ms, attempt,
    max_attempts, watched, state, args, actor, started_at, node, business_key, trace, tags, note, attempts,
    output, error_code, run_id, step)
select b.id, b.tenant_id, l.id, b.created_at, b.finished_at, 60000, b.attempt, b.max_attempts, false, b.state,
       b.args::json, b.actor::json, b.started_at, b.node, b.business_key, b.trace, nullif(b.tags, '{}'), b.note,
       nullif(b.attempts, '[]'), b.output, b.error_code, b.run_id, b.step
  from history_before b join engine.lanes l using (queue_id, tenant_id, priority, kind, version)
 where b.finished_at >= (engine.today() - 1)::timestamp at time zone 'utc';

alter table engine.nodes
  -- What it can run: the newest version of `kinds[i]` that it knows is `versions[i]`.
  add kinds text[] not null default '{}',
  add versions smallint[] not null default '{}';

-- Bounds on how much runs, exact across nodes: for a queue, for a tenant in a queue, or for a named
-- key of a tenant (a provider's account). A tenant in a queue may have a share other than 1 as well. Claims count up; endings append to `limit_returns`, so that
-- no ending waits for another.
create table engine.limits (
  id bigint generated always as identity primary key,
  queue_id int references engine.queues,
  tenant_id uuid,
  key text,
  max_running int constraint limits_max_running_positive check (max_running > 0),
  -- A token bucket: `burst` tokens at most, `rate_per_s` of them new each second.
  rate_per_s double precision constraint limits_rate_positive check (rate_per_s > 0),
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
create table engine.limit_returns (limit_id bigint not null, slots int not null);
create index limit_returns_limit_idx on engine.limit_returns (limit_id);
grant insert on engine.limit_returns to switchboard_app;
grant select, insert, delete on engine.limit_returns to switchboard_system;

-- What an operator has stopped: a queue, a tenant, a kind, or any two or three of them together.
create table engine.pauses (
  id bigint generated always as identity primary key,
  queue_id int references engine.queues,
  tenant_id uuid,
  kind text,
  why text not null default '',
  paused_at timestamptz not null default engine.now(),
  constraint pauses_scope check (coalesce(queue_id::text, tenant_id::text, kind) is not null),
  constraint pauses_place_key unique nulls not distinct (queue_id, tenant_id, kind)
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

-- How many jobs of a lane are unfinished, as the last census found: taken as often as it costs next to
-- nothing, so that neither an enqueue nor a page has to count.
create table engine.lane_depths (
  lane bigint primary key,
  tenant_id uuid not null,
  scheduled bigint not null,
  available bigint not null,
  running bigint not null,
  -- Since when the first of the available has been due.
  oldest_due_at timestamptz,
  counted_at timestamptz not null
) with (fillfactor = 50);
call engine.wall('engine.lane_depths');
grant select on engine.lane_depths to switchboard_app;
grant select, insert, update, delete on engine.lane_depths to switchboard_system;
