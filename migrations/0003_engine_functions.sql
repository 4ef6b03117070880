-- Puts jobs into the live table. The arrays run in parallel, one element a job; `keys` is null where
-- a job is not unique. Answers a row for each input: its id, or the id of the job that already holds
-- its key, and whether it was put in.
create function engine.enqueue(
  ids uuid[], tenants uuid[], lanes bigint[], queue_ids int[], priorities smallint[],
  kinds text[], versions smallint[], args jsonb[], run_ats timestamptz[], delays_ms bigint[],
  max_attempts smallint[], timeouts_ms int[], deadlines timestamptz[],
  actor jsonb, trace text, business_keys text[], tags jsonb[], watched boolean[],
  unique_keys text[], unique_for_ms bigint[]
) returns table (ordinal bigint, id uuid, fresh boolean)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  held jsonb := '{}';
begin
  if exists (select from unnest(unique_keys) k where k is not null) then
    -- In key order, so that two enqueues of the same keys queue up instead of deadlocking.
    with asked as (
      select distinct on (u.tenant, u.kind, u.key) u.*
        from unnest(ids, tenants, kinds, unique_keys, unique_for_ms) with ordinality
             as u(id, tenant, kind, key, for_ms, ord)
       where u.key is not null
       order by u.tenant, u.kind, u.key, u.ord
    ), put as (
      insert into engine.keys as k (tenant_id, kind, key, job_id, expires_at)
      select tenant, kind, key, id, ready + for_ms * interval '1 ms' from asked
       order by tenant, kind, key
      on conflict on constraint keys_pkey do update
         set job_id = case when k.expires_at <= ready then excluded.job_id else k.job_id end,
             expires_at = case when k.expires_at <= ready then excluded.expires_at else k.expires_at end
      returning k.tenant_id, k.kind, k.key, k.job_id
    )
    select coalesce(jsonb_object_agg(tenant_id || ' ' || kind || ' ' || key, job_id), '{}') into held from put;
  end if;

  return query
  with given as (
    select u.ord, u.id, u.tenant, u.lane, u.queue_id, u.priority, u.kind, u.version, u.args, u.run_at,
           u.delay_ms, u.max_attempts, u.timeout_ms, u.deadline, u.business_key, u.tags, u.watched, u.key,
           coalesce((held ->> (u.tenant || ' ' || u.kind || ' ' || u.key))::uuid, u.id) as holder
      from unnest(ids, tenants, lanes, queue_ids, priorities, kinds, versions, args, run_ats, delays_ms,
                  max_attempts, timeouts_ms, deadlines, business_keys, tags, watched, unique_keys)
           with ordinality
           as u(id, tenant, lane, queue_id, priority, kind, version, args, run_at, delay_ms,
                max_attempts, timeout_ms, deadline, business_key, tags, watched, key, ord)
  ), put as (
    insert into engine.jobs (id, tenant_id, lane, queue_id, priority, kind, version, args, run_at, created_at,
        max_attempts, timeout_ms, deadline, actor, trace, business_key, tags, watched, unique_key)
    select id, tenant, lane, queue_id, priority, kind, version, args,
           greatest(run_at, ready + delay_ms * interval '1 ms', ready), ready,
           max_attempts, timeout_ms, deadline, actor, trace, business_key,
           array(select jsonb_array_elements_text(given.tags)), watched, key
      from given where holder = given.id
  )
  select ord, holder, holder = given.id from given order by ord;
end $$;

-- Takes up to `takes[i]` due jobs of `lanes_asked[i]` for a node. The lanes must be distinct.
create function engine.claim(queue int, for_node uuid, lanes_asked bigint[], takes int[])
returns setof engine.jobs
language plpgsql volatile set enable_seqscan = off as $$
#variable_conflict use_column
declare
  t timestamptz;
  taken tid[];
  fence bigint;
begin
  -- The row of a node declared dead is gone; the lock keeps rescue from striking it off meanwhile.
  perform from engine.nodes n where n.id = for_node for key share;
  if not found then
    raise exception 'node % is not registered', for_node using errcode = 'object_not_in_prerequisite_state';
  end if;
  perform pg_advisory_xact_lock(1001, queue);
  if exists (select from engine.queues q where q.id = queue and q.paused_at is not null) then
    return;
  end if;
  t := engine.now();
  taken := array(
    select j.ctid
      from unnest(lanes_asked, takes) as asked(lane, take)
     cross join lateral (
       select j.ctid from engine.jobs j
        where j.lane = asked.lane and j.node is null and j.parked_at is null and j.run_at <= t
        order by j.run_at, j.id
        limit asked.take
          for update skip locked
     ) j);
  if cardinality(taken) = 0 then
    return;
  end if;
  fence := nextval('engine.claim_fence');
  return query
    update engine.jobs set node = for_node, claim = fence, started_at = t, attempt = attempt + 1
     where ctid = any(taken)
    returning *;
end $$;

-- Ends attempts, each only if it still holds its claim. `verdicts` are the states of job_history, or
-- `retrying` (back to the live table after `delays_ms`, the attempt counted), `snoozed` (likewise,
-- not counted) and `released` (at once, not counted and not recorded). Answers the ids that were
-- still ours; a missing one was lost to another node and nothing of it was changed.
create function engine.finish(
  ids uuid[], tenants uuid[], claims bigint[], verdicts text[], delays_ms bigint[],
  outputs jsonb[], error_codes text[], errors text[]
) returns setof uuid
language plpgsql volatile set enable_seqscan = off as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  held tid[];
begin
  held := array(
    select j.ctid
      from (select * from unnest(ids, tenants, claims) as u(id, tenant, claim) order by u.id) u
      join engine.jobs j on j.tenant_id = u.tenant and j.id = u.id and j.claim = u.claim
     order by j.id
       for update of j);
  if cardinality(held) = 0 then
    return;
  end if;

  return query
  with said as materialized (
    select * from unnest(ids, verdicts, delays_ms, outputs, error_codes, errors)
                as u(id, verdict, delay_ms, output, error_code, error)
  ), ended as (
    delete from engine.jobs j
     where j.ctid = any(held)
       and j.id in (select id from said where verdict in ('completed', 'cancelled', 'discarded', 'quarantined'))
    returning j.*
  ), filed as (
    insert into engine.job_history (id, tenant_id, queue_id, priority, attempt, max_attempts, version,
        created_at, started_at, finished_at, node, state, kind, args, actor, trace, business_key, tags,
        note, attempts, output, error_code, run_id, step)
    select e.id, e.tenant_id, e.queue_id, e.priority, e.attempt, e.max_attempts, e.version,
           e.created_at, e.started_at, ready, e.node, s.verdict, e.kind, e.args, e.actor, e.trace,
           e.business_key, e.tags, e.note,
           case when s.error is null then e.attempts else e.attempts || engine.attempt_record(
             e.attempt, e.node, e.started_at, ready, s.error_code, s.error) end,
           s.output, s.error_code, e.run_id, e.step
      from ended e join said s on s.id = e.id
  ), freed as (
    delete from engine.keys k using ended e
     where e.unique_key is not null and k.tenant_id = e.tenant_id and k.kind = e.kind
       and k.key = e.unique_key and k.job_id = e.id and k.expires_at is null
  ), told as (
    insert into engine.log (tenant_id, type, subject, body)
    select e.tenant_id, 'job.' || s.verdict, 'job:' || e.id,
           jsonb_build_object('job_id', e.id, 'kind', e.kind, 'attempt', e.attempt, 'error_code', s.error_code)
      from ended e join said s on s.id = e.id
     where e.watched or s.verdict in ('discarded', 'quarantined')
  ), kept as (
    update engine.jobs j
       set node = null, claim = null, started_at = null,
           run_at = ready + coalesce(s.delay_ms, 0) * interval '1 ms',
           attempt = case when s.verdict = 'retrying' then j.attempt else j.attempt - 1 end,
           attempts = case when s.error is null then j.attempts else j.attempts || engine.attempt_record(
             j.attempt, j.node, j.started_at, ready, s.error_code, s.error) end
      from said s
     where j.ctid = any(held) and s.id = j.id and s.verdict in ('retrying', 'snoozed', 'released')
    returning j.id
  )
  select id from ended union all select id from kept;
end $$;

create function engine.attempt_record(
  attempt smallint, node uuid, started_at timestamptz, ended_at timestamptz, code text, error text
) returns jsonb
  language sql stable parallel safe
  return jsonb_build_array(jsonb_build_object(
    'attempt', attempt, 'node', node, 'started_at', started_at, 'ended_at', ended_at,
    'code', code, 'error', error));

-- Since when silence can be told from a database that was down.
create function engine.awake_since() returns timestamptz language sql stable as
$$ select pg_postmaster_start_time() $$;

-- Gives back what dead nodes held. A node is dead after 12 s of silence; silence from before Postgres
-- itself started does not count, and the rescuer must have beaten twice since then, so that a pause of
-- the database never looks like the death of everybody. Answers the dead nodes.
create function engine.rescue(rescuer uuid) returns table (node uuid, jobs bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  awake timestamptz := engine.awake_since();
  dead uuid[];
begin
  if not exists (select from engine.nodes n
                  where n.id = rescuer and n.beats >= 2 and n.beat_at >= awake
                    and n.beat_at > clock_timestamp() - interval '12 s') then
    return;
  end if;
  dead := array(
    select n.id from engine.nodes n
     where greatest(n.beat_at, awake) < clock_timestamp() - interval '12 s'
     order by n.id for update skip locked);
  if cardinality(dead) = 0 then
    return;
  end if;
  return query
  with lost as materialized (
    select j.ctid, j.node from engine.jobs j where j.node = any(dead) order by j.id for update
  ), freed as (
    update engine.jobs j
       set node = null, claim = null, started_at = null, run_at = engine.ready_at(), suspect = true,
           attempts = j.attempts || engine.attempt_record(
             j.attempt, j.node, j.started_at, engine.now(), 'node_lost', 'the process that ran it died')
     where j.ctid = any(array(select ctid from lost))
  ), gone as (
    delete from engine.nodes n where n.id = any(dead) returning n.id
  )
  select g.id, (select count(*) from lost l where l.node = g.id) from gone g;
end $$;

-- Gives what was committed to the log since the last batch its place in each tenant's sequence:
-- gapless, every row once, no effect before its cause. Rows are new if their transaction began after
-- the last batch's snapshot, or was still running in it, and is visible now. Answers the batch made
-- and the rows in it; nothing if another process is numbering or nothing is new.
create function engine.number_log() returns table (batch bigint, numbered bigint)
language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_custom_plan set jit = off as $$
#variable_conflict use_column
declare
  last_batch bigint;
  last_snap pg_snapshot;
  open_then xid8[];
  first_new xid8;
  today constant date := engine.today();
begin
  if not pg_try_advisory_xact_lock(1002, 0) then
    return;
  end if;
  select b.batch, b.snap into strict last_batch, last_snap
    from engine.log_batches b order by b.batch desc limit 1;
  first_new := pg_snapshot_xmax(last_snap);
  open_then := array(select pg_snapshot_xip(last_snap));

  return query
  with fresh as materialized (
    select l.day, l.id, l.tenant_id from engine.log l where l.born >= first_new
    union all
    select l.day, l.id, l.tenant_id from engine.log l where l.born = any(open_then)
  ), heads as materialized (
    select h.tenant_id, h.seq from engine.log_heads h
     where h.tenant_id in (select f.tenant_id from fresh f)
  ), placed as materialized (
    select f.day, f.id, f.tenant_id,
           coalesce(h.seq, 0) + row_number() over (partition by f.tenant_id order by f.id) as seq
      from fresh f left join heads h on h.tenant_id = f.tenant_id
  ), made as (
    insert into engine.log_batches (batch, snap)
    select last_batch + 1, pg_current_snapshot() where exists (select from fresh)
    returning batch
  ), ordered as (
    insert into engine.log_order (day, tenant_id, seq, batch, log_day, log_id)
    select today, p.tenant_id, p.seq, m.batch, p.day, p.id from placed p, made m
  ), moved as (
    insert into engine.log_heads as h (tenant_id, seq)
    select p.tenant_id, max(p.seq) from placed p group by p.tenant_id
    on conflict (tenant_id) do update set seq = excluded.seq
  )
  select m.batch, (select count(*) from placed) from made m;
end $$;

revoke all on all functions in schema engine from public;
grant execute on all functions in schema engine to switchboard_system;
grant execute on function
  engine.tenant(), engine.now(), engine.today(), engine.ready_at(), engine.enqueue, engine.finish,
  engine.attempt_record
  to switchboard_app;
