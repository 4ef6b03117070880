-- Procedures of many steps. Everything about a run happens under the lock of its row, which is taken after
-- the rows of jobs: then no two that work on it wait for each other in a circle.
create table engine.runs (
  -- Also the id of its first job, which puts the steps in.
  id uuid not null,
  tenant_id uuid not null,
  name text not null,
  version smallint not null,
  input json not null,
  actor json not null,
  trace text,
  business_key text,
  -- Held until the run is over, not only until its first job is.
  unique_key text,
  watched boolean not null,
  created_at timestamptz not null,
  -- `stopping`: nothing new begins, and what still runs is being cancelled; it ends as `ending` says.
  state text not null constraint runs_state check (state in ('running', 'stopping', 'completed', 'failed', 'cancelled')),
  ending text constraint runs_ending check (ending in ('failed', 'cancelled')),
  -- The step that stopped it; empty for its first job.
  failed_step text,
  -- When the first job had ended.
  begun_at timestamptz,
  finished_at timestamptz,
  constraint runs_pkey primary key (tenant_id, id)
) with (fillfactor = 80);
create index runs_state_idx on engine.runs (tenant_id, state, id);
create index runs_name_idx on engine.runs (tenant_id, name, id);
create index runs_stopping_idx on engine.runs (id) where state = 'stopping';
create index runs_finished_idx on engine.runs (finished_at) where finished_at is not null;
create index runs_business_key_idx on engine.runs (tenant_id, business_key, id) where business_key is not null;
call engine.wall('engine.runs');
grant select, insert, update on engine.runs to switchboard_app;
grant select, insert, update, delete on engine.runs to switchboard_system;

-- A step is a job, or a wait for a time, a signal, or either. What changes stands last, and no index holds it
-- but for waits.
create table engine.steps (
  tenant_id uuid not null,
  run_id uuid not null,
  name text not null,
  position smallint not null,
  needs text[] not null,
  followers text[] not null,
  -- Runs only if that step, one of its needs, ended so.
  only_step text,
  only_outcome text,
  -- The run goes on where it fails.
  go_on boolean not null,
  -- Of a job.
  lane bigint,
  args json,
  max_attempts smallint,
  timeout_ms int,
  watched boolean not null,
  business_key text,
  -- A job's delay, or how long a wait lasts at most.
  delay_ms bigint,
  -- Of a wait.
  signal text,
  job_id uuid,
  state text not null constraint steps_state
    check (state in ('waiting', 'started', 'sleeping', 'completed', 'failed', 'cancelled', 'skipped')),
  -- How a wait for a signal ended.
  outcome text constraint steps_outcome check (outcome in ('signalled', 'timed_out')),
  -- Needs that have not ended; the first steps wait for the run's beginning.
  waits int not null,
  -- Its jobs: its own, and those that it spread into.
  jobs int not null,
  left_jobs int not null,
  failed int not null,
  cancelled int not null,
  -- How far its spreading has come, in its own words.
  cursor text,
  output jsonb,
  started_at timestamptz,
  ended_at timestamptz,
  wake_at timestamptz,
  constraint steps_pkey primary key (run_id, name)
) with (fillfactor = 60);
create index steps_wake_idx on engine.steps (wake_at) where wake_at is not null;
call engine.wall('engine.steps');
grant select, insert, update on engine.steps to switchboard_app;
grant select, insert, update, delete on engine.steps to switchboard_system;

-- A signal comes once; one that comes before its step waits for it here.
create table engine.signals (
  tenant_id uuid not null,
  run_id uuid not null,
  name text not null,
  payload jsonb not null,
  actor json not null,
  given_at timestamptz not null,
  constraint signals_pkey primary key (tenant_id, run_id, name)
);
call engine.wall('engine.signals');
grant select, insert on engine.signals to switchboard_app;
grant select, insert, delete on engine.signals to switchboard_system;

-- Writes down runs whose first jobs were put in by the same transaction.
create function engine.start(jobs uuid[], tenants uuid[]) returns void
language sql volatile set plan_cache_mode = force_generic_plan
begin atomic
  insert into engine.runs (id, tenant_id, name, version, input, actor, trace, business_key, unique_key, watched, created_at,
      state)
  select j.id, j.tenant_id, l.kind, l.version, j.args, j.actor, j.trace, j.business_key, j.unique_key, j.watched,
         j.created_at, 'running'
    from unnest(jobs, tenants) as u(id, tenant)
   cross join lateral (select * from engine.jobs j where j.tenant_id = u.tenant and j.id = u.id offset 0) j
   cross join lateral (select * from engine.lanes l where l.id = j.lane offset 0) l;
end;

-- Puts in the steps of runs whose first jobs are about to end well, by engine.finish in the same transaction: `ids`
-- with their tenants and claims are all the jobs that are going to end, locked here in their order; `begin` says which
-- of them begin a run. Of one that is not held any more nothing is put in. The other arrays run in parallel, one
-- element a step; lists in them are joined by commas.
create function engine.expand(
  ids uuid[], tenants uuid[], claims bigint[], begin boolean[], run_tenants uuid[], runs uuid[], names text[], positions smallint[], needs text[],
  followers text[], only_steps text[], only_outcomes text[], go_on boolean[], lanes bigint[], args text[],
  max_attempts smallint[], timeouts_ms int[], watched boolean[], business_keys text[], delays_ms bigint[],
  signals text[], jobs uuid[]
) returns void
language plpgsql volatile
set enable_seqscan = off set enable_bitmapscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  lost uuid[];
  strangers uuid[];
begin
  select array_agg(h.wanted) filter (where h.id is null),
         array_agg(h.wanted) filter (where h.run_id is distinct from h.id) into lost, strangers
    from (
      select u.id as wanted, u.begins, j.id, j.run_id
        from (select * from unnest(ids, tenants, claims, begin) as u(id, tenant, claim, begins) order by u.id) u
        left join lateral (
          select j.id, j.run_id from engine.jobs j
           where j.tenant_id = u.tenant and j.id = u.id and j.claim = u.claim for update) j on true
      offset 0) h
   where h.begins;
  if strangers is not null then
    raise exception 'a job that was not started as a workflow answered with steps' using errcode = 'data_exception';
  end if;
  insert into engine.steps (tenant_id, run_id, name, position, needs, followers, only_step, only_outcome, go_on, lane,
      args, max_attempts, timeout_ms, watched, business_key, delay_ms, signal, job_id, state, waits, jobs, left_jobs,
      failed, cancelled)
  select x.tenant, x.run, x.name, x.position, n.needs, string_to_array(x.followers, ','), x.only_step, x.only_outcome,
         x.go_on, x.lane, x.args::json, x.max_attempts, x.timeout_ms, x.watched, x.business_key, x.delay_ms, x.signal,
         x.job, 'waiting', greatest(1, cardinality(n.needs)), 1, 1, 0, 0
    from unnest(run_tenants, runs, names, positions, needs, followers, only_steps, only_outcomes, go_on, lanes, args, max_attempts,
                timeouts_ms, watched, business_keys, delays_ms, signals, jobs)
      as x(tenant, run, name, position, needs, followers, only_step, only_outcome, go_on, lane, args, max_attempts, timeout_ms,
           watched, business_key, delay_ms, signal, job)
   cross join lateral (select string_to_array(x.needs, ',') as needs) n
   where x.run <> all(coalesce(lost, '{}'));
end $$;

-- The statements below say in which order they join, by `lateral` and `offset 0`, and find what they change by
-- its place: whatever the statistics say, they go row by row along the keys.

-- Follows from jobs of runs that have ended: steps end, others are released or skipped, runs end. Answers the
-- lanes that got jobs, and whether the log has grown. `ready` is engine.ready_at() of the transaction.
create function engine.advance(gone engine.step_end[], ready timestamptz, out lanes bigint[], out logged boolean)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
set enable_memoize = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  ended engine.step_gone[];
  closed engine.step_gone[];
  bad engine.step_gone[];
  bad_steps engine.step_gone[];
begin
  perform from (select distinct g.tenant_id, g.run_id from unnest(gone) g order by 1, 2) g
    cross join lateral (
      select from engine.runs r where r.tenant_id = g.tenant_id and r.id = g.run_id for no key update) r;

  if exists (select from unnest(gone) g where g.step is null) then
    with begun as (
      update engine.runs r set begun_at = ready
        from unnest(gone) g cross join lateral (
          select r.ctid from engine.runs r where r.tenant_id = g.tenant_id and r.id = g.run_id offset 0) o
       where g.step is null and r.ctid = o.ctid
      returning r.tenant_id, r.id, r.state, g.verdict
    )
    select array_agg(row(b.tenant_id, b.id, '', array(
             select s.name from engine.steps s
              where s.tenant_id = b.tenant_id and s.run_id = b.id and s.needs = '{}'))::engine.step_gone)
             filter (where b.verdict = 'completed' and b.state = 'running'),
           array_agg(row(b.tenant_id, b.id, '', '{}'::text[])::engine.step_gone)
             filter (where b.verdict <> 'completed' or b.state = 'stopping')
      into ended, bad from begun b;
  end if;

  with g as materialized (
    select g.tenant_id, g.run_id, g.step, count(*)::int as jobs,
           count(*) filter (where g.verdict in ('discarded', 'quarantined'))::int as failed,
           count(*) filter (where g.verdict = 'cancelled')::int as cancelled, (array_agg(g.output) filter (where g.output is not null))[1] as output
      from unnest(gone) g where g.step is not null group by 1, 2, 3
  ), marked as (
    update engine.steps s
       set left_jobs = s.left_jobs - g.jobs, failed = s.failed + g.failed, cancelled = s.cancelled + g.cancelled,
           state = case when s.left_jobs > g.jobs then s.state when s.failed + g.failed > 0 then 'failed'
                        when s.cancelled + g.cancelled > 0 then 'cancelled' else 'completed' end,
           output = coalesce(g.output, s.output),
           ended_at = case when s.left_jobs = g.jobs then ready end
      from g cross join lateral (
        select s.ctid from engine.steps s
         where s.tenant_id = g.tenant_id and s.run_id = g.run_id and s.name = g.step offset 0) o
     where s.ctid = o.ctid
    returning s.tenant_id, s.run_id, s.name, s.followers, s.left_jobs,
              not s.go_on and s.failed + s.cancelled > 0 as stops
  )
  select array_agg(row(m.tenant_id, m.run_id, m.name, m.followers)::engine.step_gone) filter (where m.left_jobs = 0),
         array_agg(row(m.tenant_id, m.run_id, m.name, m.followers)::engine.step_gone) filter (where m.stops)
    into closed, bad_steps from marked m;
  bad := bad || bad_steps;
  if bad is not null then
    perform engine.stop_runs(bad, 'failed', ready);
  end if;
  select f.lanes, f.logged into lanes, logged from engine.follow(ended || closed, bad, ready) f;
end $$;

-- From now on nothing new begins in these runs, and in the end they are called `ending_`.
create function engine.stop_runs(bad engine.step_gone[], ending_ text, ready timestamptz) returns void
language sql volatile
begin atomic
  update engine.runs r set state = 'stopping', ending = ending_, failed_step = b.name
    from (select distinct on (b.tenant_id, b.run_id) b.* from unnest(bad) b order by b.tenant_id, b.run_id) b
   cross join lateral (
     select r.ctid from engine.runs r
      where r.tenant_id = b.tenant_id and r.id = b.run_id and r.state = 'running' offset 0) o
   where r.ctid = o.ctid;
  update engine.steps s set state = 'cancelled', wake_at = null, ended_at = ready
    from (select distinct b.tenant_id, b.run_id from unnest(bad) b) b
   cross join lateral (
     select s.ctid from engine.steps s
      where s.tenant_id = b.tenant_id and s.run_id = b.run_id and s.state in ('waiting', 'sleeping') offset 0) o
   where s.ctid = o.ctid;
end;

-- Releases what waited for steps that have ended and for nothing else: its job is put in, its sleep begins, or it
-- is skipped, and then what follows it. Runs in which nothing is open any more end, also those of `stopped`.
-- The rows of the runs are locked.
create function engine.follow(
  ended engine.step_gone[], stopped engine.step_gone[], ready timestamptz, out lanes bigint[], out logged boolean
)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
set enable_memoize = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  closed engine.step_gone[] := ended || stopped;
  put_in bigint[];
  any_stops boolean := stopped is not null or exists (select from engine.runs r where r.state = 'stopping');
begin
  while ended is not null loop
    with freed as materialized (
      select e.tenant_id, e.run_id, f.name, count(*)::int as needs
        from unnest(ended) e, unnest(e.followers) f(name) group by 1, 2, 3
    ), moved as (
      update engine.steps s
         set waits = s.waits - n.needs, state = n.state, outcome = case when n.state = 'completed' then 'signalled' end,
             output = case when n.state = 'completed' then n.payload end,
             started_at = case when n.state <> 'waiting' then ready end,
             ended_at = case when n.state in ('completed', 'skipped') then ready end,
             wake_at = case when n.state = 'sleeping' then ready + s.delay_ms * interval '1 ms' end
        from (
          select o.ctid, f.needs, o.payload,
                 case when o.waits > f.needs then 'waiting'
                      when o.only_step is not null and not exists (
                        select from engine.steps c
                         where c.tenant_id = f.tenant_id and c.run_id = f.run_id and c.name = o.only_step
                           and coalesce(c.outcome, c.state) = o.only_outcome) then 'skipped'
                      when o.lane is not null then 'started'
                      when o.payload is not null then 'completed'
                      else 'sleeping' end as state
            from freed f cross join lateral (
              select s.ctid, s.waits, s.only_step, s.only_outcome, s.lane,
                     case when s.signal is not null then (
                       select g.payload from engine.signals g
                        where g.tenant_id = s.tenant_id and g.run_id = s.run_id and g.name = s.signal) end as payload
                from engine.steps s
               where s.tenant_id = f.tenant_id and s.run_id = f.run_id and s.name = f.name and s.state = 'waiting'
              offset 0) o
          offset 0) n
       where s.ctid = n.ctid
      returning s.*
    ), put as (
      insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, max_attempts, watched, args, actor,
          business_key, trace, run_id, step)
      select m.job_id, m.tenant_id, m.lane, ready + coalesce(m.delay_ms, 0) * interval '1 ms', ready, m.timeout_ms,
             m.max_attempts, m.watched, m.args, r.actor, m.business_key, r.trace, m.run_id, m.name
        from moved m cross join lateral (
          select r.actor, r.trace from engine.runs r where r.tenant_id = m.tenant_id and r.id = m.run_id offset 0) r
       where m.state = 'started'
      returning lane
    )
    select array_agg(row(m.tenant_id, m.run_id, m.name, m.followers)::engine.step_gone)
             filter (where m.state in ('completed', 'skipped')),
           (select array_agg(distinct p.lane) from put p)
      into ended, put_in from moved m;
    closed := closed || ended;
    lanes := lanes || put_in;
  end loop;

  with over as (
    update engine.runs r
       set state = case r.state when 'stopping' then r.ending else 'completed' end, finished_at = ready
      from (select c.tenant_id, c.run_id, bool_or(c.followers = '{}') as is_last
              from unnest(closed) c where any_stops or c.followers = '{}' group by 1, 2) c
     cross join lateral (
       select r.ctid from engine.runs r
        where r.tenant_id = c.tenant_id and r.id = c.run_id and r.begun_at is not null
          and (r.state = 'stopping' or r.state = 'running' and c.is_last)
          and not exists (
            select from engine.steps s
             where s.tenant_id = c.tenant_id and s.run_id = c.run_id and s.state in ('waiting', 'started', 'sleeping'))
       offset 0) o
     where r.ctid = o.ctid
    returning r.*
  ), freed as (
    delete from engine.keys k using over o
     where o.unique_key is not null and k.tenant_id = o.tenant_id and k.kind = o.name and k.key = o.unique_key
       and k.job_id = o.id and k.expires_at is null
  ), told as (
    insert into engine.log (tenant_id, type, subject, body)
    select o.tenant_id, 'workflow.' || o.state, 'workflow:' || o.id,
           jsonb_build_object('run_id', o.id, 'workflow', o.name, 'failed_step', o.failed_step)
      from over o where o.watched or o.state = 'failed'
    returning true
  )
  select exists (select from told) into logged;
end $$;

-- Ends the sleep of steps whose time has come, at most so many. Runs that somebody else works on at the moment
-- are left for the next time. Answers how many were woken, the lanes that got jobs, and whether the log has grown.
create function engine.wake(most int, out woken bigint, out lanes bigint[], out logged boolean)
language plpgsql volatile
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
set enable_memoize = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  asleep engine.step_gone[];
  locked engine.step_gone[];
  ended engine.step_gone[];
begin
  select array_agg(row(s.tenant_id, s.run_id, s.name, null)::engine.step_gone) into asleep
    from (select * from engine.steps s where s.wake_at <= ready order by s.wake_at limit most) s;
  -- A statement of its own: what is read of the steps is as it is under the locks.
  select array_agg(row(r.tenant_id, r.id, '', null)::engine.step_gone) into locked
    from (select distinct a.tenant_id, a.run_id from unnest(asleep) a) a
   cross join lateral (
     select r.tenant_id, r.id from engine.runs r
      where r.tenant_id = a.tenant_id and r.id = a.run_id for no key update skip locked) r;
  with up as (
    update engine.steps s
       set state = 'completed', outcome = case when s.signal is not null then 'timed_out' end, wake_at = null,
           ended_at = ready
      from unnest(locked) l cross join lateral (
        select s.ctid from engine.steps s
         where s.tenant_id = l.tenant_id and s.run_id = l.run_id and s.state = 'sleeping' and s.wake_at <= ready
        offset 0) o
     where s.ctid = o.ctid
    returning s.*
  )
  select array_agg(row(u.tenant_id, u.run_id, u.name, u.followers)::engine.step_gone) into ended from up u;
  woken := coalesce(cardinality(ended), 0);
  select f.lanes, f.logged into lanes, logged from engine.follow(ended, null, ready) f;
end $$;

-- Gives a run of the caller's tenant a signal. Answers a word: `taken` by the step that waited for it; `kept` for the
-- step that will; `given_before`; `unknown`: no step waits for a signal of this name; `too_late`: that step is over;
-- or how the run ended or is ending; null if there is no such run.
create function engine.signal(
  run uuid, name_ text, payload_ jsonb, actor_ json, out result text, out lanes bigint[], out logged boolean
)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  ready timestamptz := engine.ready_at();
  of_run engine.runs;
  step engine.steps;
begin
  logged := false;
  select r.* into of_run from engine.runs r where r.tenant_id = tenant and r.id = run for no key update;
  select s.* into step from engine.steps s where s.tenant_id = tenant and s.run_id = run and s.signal = name_;
  result := case when of_run.id is null then null
    when exists (select from engine.signals g where g.tenant_id = tenant and g.run_id = run and g.name = name_)
      then 'given_before'
    when of_run.state <> 'running' then of_run.state
    -- More than any run has steps.
    when of_run.begun_at is null
      and (select count(*) from engine.signals g where g.tenant_id = tenant and g.run_id = run) >= 200 then 'unknown'
    when of_run.begun_at is not null and step.name is null then 'unknown'
    when step.state not in ('waiting', 'sleeping') then 'too_late'
    when step.state = 'sleeping' then 'taken' else 'kept' end;
  if result not in ('taken', 'kept') or result is null then
    return;
  end if;
  insert into engine.signals (tenant_id, run_id, name, payload, actor, given_at)
  values (tenant, run, name_, payload_, actor_, ready);
  if result = 'taken' then
    update engine.steps s
       set state = 'completed', outcome = 'signalled', output = payload_, wake_at = null, ended_at = ready
     where s.tenant_id = tenant and s.run_id = run and s.name = step.name;
    select f.lanes, f.logged into lanes, logged
      from engine.follow(array[row(tenant, run, step.name, step.followers)::engine.step_gone], null, ready) f;
  end if;
end $$;

-- The jobs of a run that have not ended: its first, each step's own, and those that steps have spread into.
create function engine.jobs_of_run(tenant uuid, run uuid) returns table (id uuid, lane bigint, unasked boolean)
language sql stable
begin atomic
  select j.id, j.lane, j.cancel_requested_at is null from engine.jobs j where j.tenant_id = tenant and j.id = run
  union all
  select j.id, j.lane, j.cancel_requested_at is null
    from engine.steps s join engine.jobs j on j.tenant_id = s.tenant_id and j.id = s.job_id
   where s.tenant_id = tenant and s.run_id = run and s.state = 'started'
  union all
  select j.id, j.lane, j.cancel_requested_at is null from engine.jobs j
   where j.tenant_id = tenant and j.run_id = run and j.spread;
end;

-- Stops a run of the caller's tenant. Answers its state then; null if there is none. Its jobs are cancelled by
-- whoever looks after stopping runs, not here: rows of jobs are locked before those of runs.
create function engine.cancel_run(run uuid, out result text, out logged boolean)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  ready timestamptz := engine.ready_at();
  whole engine.step_gone[] := array[row(engine.tenant(), run, null, '{}'::text[])::engine.step_gone];
begin
  perform from engine.runs r where r.tenant_id = tenant and r.id = run for no key update;
  perform engine.stop_runs(whole, 'cancelled', ready);
  select f.logged into logged from engine.follow(null, whole, ready) f;
  select r.state into result from engine.runs r where r.tenant_id = tenant and r.id = run;
end $$;

-- Holds the uniqueness key of a run of the caller's tenant, if it has one. False if another holds it.
create function engine.hold_key(run uuid) returns boolean
language plpgsql volatile as $$
declare
  wanted engine.runs;
begin
  select r.* into wanted from engine.runs r
   where r.tenant_id = engine.tenant() and r.id = run and r.unique_key is not null;
  if not found then
    return true;
  end if;
  insert into engine.keys as k (tenant_id, kind, key, job_id) values (wanted.tenant_id, wanted.name, wanted.unique_key, run)
  on conflict on constraint keys_pkey do update
     set job_id = run, expires_at = case when k.job_id = run then k.expires_at end
   where k.job_id = run or k.expires_at <= engine.ready_at();
  return found;
end $$;

-- Takes a run of the caller's tenant that is over up again: what failed or was cancelled, the step `from_` if one is
-- named, and all that follows these begins anew, under the jobs `ids`. Of a step that had spread into many jobs
-- only those begin anew that did not complete, unless it is the named one. Answers `restarted`; the state that forbids it; `unknown_step`;
-- `nothing` if there is nothing to be done; `key_held` if another run holds its uniqueness key by now; null if there
-- is no such run.
create function engine.restart(
  run uuid, from_ text, ids uuid[], out result text, out lanes bigint[], out logged boolean
)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  ready timestamptz := engine.ready_at();
  anew text[];
  again text[] := '{}';
  first_steps text[];
  name_ text;
  own_job uuid;
  began timestamptz;
  revived int;
begin
  logged := false;
  select r.state into result from engine.runs r where r.tenant_id = tenant and r.id = run for no key update;
  if not found or result in ('running', 'stopping') then
    return;
  end if;
  if from_ is not null and not exists (
    select from engine.steps s where s.tenant_id = tenant and s.run_id = run and s.name = from_) then
    result := 'unknown_step';
    return;
  end if;
  if not exists (select from engine.steps s where s.tenant_id = tenant and s.run_id = run) then
    -- It holds the run's key again, if there is one.
    select case t.result when 'available' then 'restarted' when 'key_held' then 'key_held' else 'nothing' end
      into result from engine.retry(array[run], run) t;
    if result <> 'restarted' then
      return;
    end if;
    update engine.runs r
       set state = 'running', ending = null, failed_step = null, begun_at = null, finished_at = null
     where r.tenant_id = tenant and r.id = run;
    lanes := array(select j.lane from engine.jobs_of_run(tenant, run) j);
    return;
  end if;

  with recursive begins(name) as (
    select s.name from engine.steps s
     where s.tenant_id = tenant and s.run_id = run
       and (s.name = from_ or s.state = 'cancelled' or s.state = 'failed' and not s.go_on)
    union
    select f.name from begins b
      join engine.steps s on s.tenant_id = tenant and s.run_id = run and s.name = b.name, unnest(s.followers) f(name)
  )
  select array_agg(name) into anew from begins;
  if anew is null then
    result := 'nothing';
    return;
  end if;
  if not engine.hold_key(run) then
    result := 'key_held';
    return;
  end if;
  update engine.runs r set state = 'running', ending = null, failed_step = null, finished_at = null
   where r.tenant_id = tenant and r.id = run;

  for name_, own_job, began in
    select s.name, s.job_id, s.started_at from engine.steps s
     where s.tenant_id = tenant and s.run_id = run and s.name = any(anew) and s.jobs > 1
       and s.state in ('failed', 'cancelled') and not s.needs && anew and s.name is distinct from from_
     order by s.position
  loop
    select count(*) into revived
      from engine.retry(array(
        select h.id from engine.job_history h
         where h.tenant_id = tenant and h.run_id = run and h.step = name_ and h.spread and h.state <> 'completed'
           and h.created_at >= began) || own_job, run) t
     where t.result = 'available';
    continue when revived = 0;
    update engine.steps s
       set state = 'started', left_jobs = revived, failed = 0, cancelled = 0, ended_at = null
     where s.tenant_id = tenant and s.run_id = run and s.name = name_;
    again := again || name_;
  end loop;
  with fresh as (
    update engine.steps s
       set state = 'waiting', outcome = null, jobs = 1, left_jobs = 1, failed = 0, cancelled = 0, cursor = null,
           output = null, started_at = null, ended_at = null, wake_at = null,
           job_id = case when s.job_id is not null then ids[s.position + 1] end,
           waits = greatest(1, (select count(*) from unnest(s.needs) n where n = any(anew)))
     where s.tenant_id = tenant and s.run_id = run and s.name = any(anew) and s.name <> all(again)
    returning s.name, s.needs
  )
  select array_agg(f.name) into first_steps from fresh f where not f.needs && anew;
  select f.lanes, f.logged into lanes, logged
    from engine.follow(array[row(tenant, run, '', first_steps)::engine.step_gone], null, ready) f;
  if again <> '{}' then
    lanes := array(select distinct j.lane from engine.jobs_of_run(tenant, run) j);
  end if;
  result := 'restarted';
end $$;

-- The step that a job of the caller's tenant belongs to, for it to spread into more jobs: locked, and its cursor
-- moved from one place to the next. Nothing if the claim is lost, the cursor is elsewhere, the run is stopping, or
-- the job belongs to none.
create function engine.open_step(job uuid, fence bigint, cursor_was text, cursor_is text, out run uuid, out step text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
begin
  select j.run_id, j.step into run, step from engine.jobs j
   where j.tenant_id = tenant and j.id = job and j.claim = fence for no key update;
  perform from engine.runs r where r.tenant_id = tenant and r.id = run and r.state = 'running' for no key update;
  if found then
    update engine.steps s set cursor = cursor_is
     where s.tenant_id = tenant and s.run_id = run and s.name = step and s.cursor is not distinct from cursor_was;
  end if;
  if not found then
    run := null;
    step := null;
  end if;
end $$;

revoke all on function
  engine.start, engine.expand, engine.advance, engine.stop_runs, engine.follow, engine.wake, engine.signal, engine.jobs_of_run,
  engine.cancel_run, engine.hold_key, engine.restart, engine.open_step from public;
grant execute on function
  engine.start, engine.expand, engine.advance, engine.stop_runs, engine.follow, engine.wake, engine.signal, engine.jobs_of_run,
  engine.cancel_run, engine.hold_key, engine.restart, engine.open_step to switchboard_system;
grant execute on function
  engine.start, engine.expand, engine.advance, engine.stop_runs, engine.follow, engine.signal, engine.jobs_of_run, engine.cancel_run,
  engine.hold_key, engine.restart, engine.open_step to switchboard_app;
