-- What begins by itself: a job, each time that it is due.
create table engine.schedules (
  id uuid not null primary key,
  tenant_id uuid not null,
  name text not null,
  queue text not null,
  kind text not null,
  version smallint not null,
  priority smallint not null,
  max_attempts smallint not null,
  timeout_ms int not null,
  watched boolean not null,
  -- The job is the first of a workflow's run.
  workflow boolean not null,
  args json not null,
  actor json not null,
  crontab text,
  zone text not null,
  -- Instead of a crontab.
  once_at timestamptz,
  overlap text not null constraint schedules_overlap check (overlap in ('skip', 'buffer_one', 'allow', 'cancel_older')),
  misfire text not null constraint schedules_misfire check (misfire in ('skip', 'run_once', 'catch_up')),
  catch_up int not null default 0 constraint schedules_catch_up check (catch_up between 0 and 1000),
  max_lateness_s int constraint schedules_max_lateness check (max_lateness_s > 0),
  jitter_s int not null default 0 constraint schedules_jitter check (jitter_s >= 0),
  starts_at timestamptz,
  ends_at timestamptz,
  paused_at timestamptz,
  why text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- The next time it is due; none when it is over.
  next_at timestamptz,
  -- Was due while the run before went on, and waits for its end.
  buffered_at timestamptz,
  constraint schedules_name_key unique (tenant_id, name),
  constraint schedules_tenant_key unique (tenant_id, id),
  constraint schedules_time check (num_nonnulls(crontab, once_at) = 1)
);
create index schedules_next_idx on engine.schedules (next_at) where paused_at is null and next_at is not null;
create index schedules_buffered_idx on engine.schedules (buffered_at) where buffered_at is not null;
call engine.wall('engine.schedules');
grant select, insert, update, delete on engine.schedules to switchboard_app, switchboard_system;

-- What became of each time that a schedule was due. The key is what lets no time come twice.
create table engine.ticks (
  schedule_id uuid not null,
  due_at timestamptz not null,
  tenant_id uuid not null,
  -- `missed` stands for all times from due_at to until_at.
  outcome text not null constraint ticks_outcome
    check (outcome in ('started', 'by_hand', 'skipped', 'buffered', 'missed')),
  until_at timestamptz,
  ticked_at timestamptz not null,
  job_id uuid,
  constraint ticks_pkey primary key (schedule_id, due_at),
  constraint ticks_schedule_fkey foreign key (tenant_id, schedule_id)
    references engine.schedules (tenant_id, id) on delete cascade
);
create index ticks_due_idx on engine.ticks (due_at);
call engine.wall('engine.ticks');
grant select, insert, update, delete on engine.ticks to switchboard_app, switchboard_system;
