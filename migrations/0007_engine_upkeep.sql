-- Since when silence can be told from a database that was down.
create function engine.awake_since() returns timestamptz language sql stable as
$$ select pg_postmaster_start_time() $$;

-- Gives back what dead nodes held. A node is dead after 12 s of silence. Silence from before Postgres
-- itself started, or from before the rescuer's own last gap ended, does not count, and the rescuer must
-- have beaten twice: a pause of the database never looks like the death of everybody.
--
-- Who is to blame: all that a dead node held moves up one step. It becomes suspect; a suspect that ran
-- beside others is blamed once; one that the node recorded, twice; one that ran there alone leaves no
-- doubt, and is quarantined. So a job that brings its process down does so four times, and one that
-- merely was there is cleared as soon as it ends by itself.
--
-- A node is rescued whole or, where somebody else holds one of its jobs for a moment, not yet. Answers the
-- nodes that were struck off, with how many jobs each had.
create function engine.rescue(rescuer uuid) returns table (node uuid, jobs bigint, quarantined bigint)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  steady timestamptz;
  dead uuid[];
  lost tid[];
  lost_by uuid[];
  unwanted uuid[];
  unwanted_of uuid[];
  spoiled uuid[];
  spoiled_of uuid[];
  ready timestamptz;
begin
  select greatest(engine.awake_since(), n.steady_since) into steady from engine.nodes n
   where n.id = rescuer and n.beats >= 2 and n.beat_at >= engine.awake_since()
     and n.beat_at > clock_timestamp() - interval '10 s';
  if not found or not exists (
    select from engine.nodes n where greatest(n.beat_at, steady) < clock_timestamp() - interval '10 s') then
    return;
  end if;
  -- Before every other lock: pauses and limits must not change while lanes are made here.
  perform pg_advisory_xact_lock_shared(1004, 0);
  dead := array(
    select n.id from engine.nodes n
     where greatest(n.beat_at, steady) < clock_timestamp() - interval '10 s'
     order by n.id for update skip locked);
  with held as materialized (
    select j.node, count(*) as jobs from engine.jobs j where j.node = any(dead) group by j.node
  ), locked as materialized (
    select j.ctid, j.node from engine.jobs j where j.node = any(dead) order by j.id for update skip locked
  ), whole as (
    select d.node from unnest(dead) d(node) left join held h on h.node = d.node
     where coalesce(h.jobs, 0) = (select count(*) from locked l where l.node = d.node)
  )
  select (select array_agg(w.node) from whole w), array_agg(l.ctid), array_agg(l.node) into dead, lost, lost_by
    from locked l where l.node in (select w.node from whole w);

  ready := engine.ready_at();
  insert into engine.limit_returns (limit_id, slots)
  select limit_id, count(*)
    from engine.jobs j join engine.lanes l on l.id = j.lane, unnest(l.limits) limit_id
   where j.ctid = any(lost) group by limit_id;
  perform engine.make_isolated(array(select distinct j.lane from engine.jobs j where j.ctid = any(lost)));

  with settled as (
    update engine.jobs j
       set node = null, claim = null, started_at = null, progress = null, run_at = ready,
           -- The process failed, not the job: the attempt does not count.
           attempt = j.attempt - 1,
           blames = case when n.suspect_alone then j.blames + (j.id = n.suspect_job)::int
                         when not j.suspect then 0 when j.id = n.suspect_job then 2 else 1 end,
           -- What a lone suspect's node still held had ended, and only its end was not written.
           suspect = j.suspect or not n.suspect_alone,
           lane = case when n.suspect_alone then j.lane else i.id end,
           attempts = engine.with_attempt(j.attempts, j.attempt, j.node, j.started_at, ready, 'node_lost',
             case when j.id = n.suspect_job then 'the process died while this suspect ran'
                  else 'the process that ran it died' end)
      from engine.nodes n, engine.lanes l
      join engine.lanes i on (i.queue_id, i.tenant_id, i.priority, i.kind, i.version, i.limit_key)
           = (l.queue_id, l.tenant_id, l.priority, l.kind, l.version, l.limit_key) and i.isolated
     where j.ctid = any(lost) and n.id = j.node and l.id = j.lane
    returning j.id, j.tenant_id, j.blames, j.cancel_requested_at
  )
  select array_agg(id) filter (where cancel_requested_at is not null),
         array_agg(tenant_id) filter (where cancel_requested_at is not null),
         array_agg(id) filter (where cancel_requested_at is null and blames >= 3),
         array_agg(tenant_id) filter (where cancel_requested_at is null and blames >= 3)
    into unwanted, unwanted_of, spoiled, spoiled_of from settled;
  delete from engine.nodes n where n.id = any(dead);
  -- Asked to be cancelled while they ran: they do not run again.
  perform engine.bury(unwanted_of, unwanted, 'cancelled', null, null);
  spoiled := array(select engine.bury(spoiled_of, spoiled, 'quarantined', 'crashes_its_process',
    'a process died while it ran there alone'));
  return query
    select d, (select count(*) from unnest(lost_by) b where b = d), coalesce(cardinality(spoiled), 0)::bigint
      from unnest(dead) d;
end $$;

-- The places where suspects of these lanes wait, made where they are new.
create function engine.make_isolated(lanes bigint[]) returns void
language plpgsql volatile as $$
declare
  concerned int;
begin
  for concerned in select distinct l.queue_id from engine.lanes l where l.id = any(lanes) order by 1 loop
    -- As in engine.make_lane: numbers become visible in their order.
    perform pg_advisory_xact_lock(1006, concerned);
  end loop;
  insert into engine.lanes (queue_id, tenant_id, priority, kind, version, limit_key, isolated, weight, paused_at, limits)
  select l.queue_id, l.tenant_id, l.priority, l.kind, l.version, l.limit_key, true, r.weight, r.paused_at, r.limits
    from engine.lanes l, engine.rules_of(l.queue_id, l.tenant_id, l.kind, l.limit_key) r
   where l.id = any(lanes) and not l.isolated
  on conflict on constraint lanes_place_key do nothing;
end $$;

-- The upkeep of one second, by one process at a time: expired keys, folding, rescue. Answers the nodes
-- that were found dead.
create function engine.keep(rescuer uuid) returns table (node uuid, jobs bigint, quarantined bigint)
language plpgsql volatile as $$
begin
  if not pg_try_advisory_xact_lock(1003, 0) then
    return;
  end if;
  delete from engine.keys where ctid = any(array(
    select ctid from engine.keys where expires_at <= engine.now() limit 1000 for update skip locked));
  perform engine.fold_tallies();
  return query select * from engine.rescue(rescuer);
end $$;

-- Whether a node leads the upkeep: the oldest that beats and can. One that is frozen stops leading when
-- its silence shows.
create function engine.leads(candidate uuid) returns boolean
  language sql volatile
begin atomic
  select coalesce((
    select n.id = candidate from engine.nodes n
     where n.roles && array['worker', 'scheduler'] and n.beat_at > clock_timestamp() - interval '10 s'
     order by n.id limit 1), false);
end;

-- Adds tallies up by the minute and by the hour.
create function engine.fold_tallies() returns bigint
language plpgsql volatile as $$
declare
  folded bigint;
begin
  with gone as (
    delete from engine.tallies where ctid = any(array(select ctid from engine.tallies limit 50000))
    returning minute, tenant_id, lane, node, what, code, bucket, count
  ), kept as (
    insert into engine.tally_minutes as m (minute, tenant_id, lane, node, what, code, bucket, count)
    select minute, tenant_id, lane, node, what, code, bucket, sum(count) from gone group by 1, 2, 3, 4, 5, 6, 7
    on conflict on constraint tally_minutes_place_key do update set count = m.count + excluded.count
  ), hours as (
    insert into engine.tally_hours as h (tenant_id, what, hour, lane, node, code, bucket, count)
    select tenant_id, what, date_trunc('hour', minute, 'UTC'), lane, node, code, bucket, sum(count)
      from gone group by 1, 2, 3, 4, 5, 6, 7
    on conflict on constraint tally_hours_place_key do update set count = h.count + excluded.count
  )
  select count(*) into folded from gone;
  return folded;
end $$;

-- Counts what is unfinished, by lane. Answers how many jobs it found in the hands of a node that is no
-- more, and handed back: none, if the engine is right.
create function engine.census() returns bigint
language plpgsql volatile as $$
declare
  t timestamptz := engine.now();
  ids uuid[];
  tenants uuid[];
  fences bigint[];
begin
  insert into engine.lane_depths as d (lane, tenant_id, scheduled, available, running, retrying_scheduled,
                                       retrying_available, oldest_due_at, counted_at)
  select l.id, l.tenant_id, j.scheduled, j.available, j.running, j.retrying_scheduled, j.retrying_available,
         j.oldest_due_at, t
    from (select j.lane, count(*) filter (where j.node is null and j.run_at > t) as scheduled,
                 count(*) filter (where j.node is null and j.run_at <= t) as available,
                 count(*) filter (where j.node is not null) as running,
                 count(*) filter (where j.node is null and j.attempt > 0 and j.run_at > t) as retrying_scheduled,
                 count(*) filter (where j.node is null and j.attempt > 0 and j.run_at <= t) as retrying_available,
                 min(j.run_at) filter (where j.node is null and j.run_at <= t) as oldest_due_at
            from engine.jobs j group by j.lane) j
    join engine.lanes l on l.id = j.lane
  on conflict (lane) do update
     set scheduled = excluded.scheduled, available = excluded.available, running = excluded.running,
         retrying_scheduled = excluded.retrying_scheduled, retrying_available = excluded.retrying_available,
         oldest_due_at = excluded.oldest_due_at, counted_at = excluded.counted_at;
  delete from engine.lane_depths where counted_at < t;
  select array_agg(j.id), array_agg(j.tenant_id), array_agg(j.claim) into ids, tenants, fences
    from engine.jobs j
   where j.node is not null and not exists (select from engine.nodes n where n.id = j.node);
  return engine.release(ids, tenants, fences);
end $$;

-- Takes away counts past the retention and what the numberer needs no more, a part at a time.
create function engine.prune(history_days int) returns bigint
language plpgsql volatile as $$
declare
  kept_from timestamptz := engine.now() - history_days * interval '1 day';
  minutes bigint;
  hours bigint;
  ticks bigint;
  runs bigint;
begin
  delete from engine.tally_minutes where ctid = any(array(
    select m.ctid from engine.tally_minutes m where m.minute < kept_from limit 100000));
  get diagnostics minutes = row_count;
  delete from engine.tally_hours where ctid = any(array(
    select h.ctid from engine.tally_hours h where h.hour < kept_from - interval '1 hour' limit 100000));
  get diagnostics hours = row_count;
  delete from engine.ticks where ctid = any(array(
    select t.ctid from engine.ticks t where t.due_at < kept_from order by t.due_at limit 10000));
  get diagnostics ticks = row_count;
  with past as (
    delete from engine.runs where ctid = any(array(
      select r.ctid from engine.runs r where r.finished_at < kept_from order by r.finished_at limit 1000))
      -- One that was taken up again meanwhile stays.
      and finished_at < kept_from
    returning tenant_id, id
  ), steps as (
    delete from engine.steps s using past p where s.tenant_id = p.tenant_id and s.run_id = p.id
  ), signals as (
    delete from engine.signals s using past p where s.tenant_id = p.tenant_id and s.run_id = p.id
  )
  select count(*) into runs from past;
  delete from engine.log_batches b where b.batch < (select max(l.batch) from engine.log_batches l) - 1000;
  return minutes + hours + ticks + runs;
end $$;

-- Marks lanes whose due work no living node has known for an hour, and unmarks those that one knows.
create function engine.park() returns table (kind text, version smallint, lanes bigint)
language plpgsql volatile as $$
#variable_conflict use_column
begin
  return query
  with known as (
    select k.kind, max(k.version) as version from engine.nodes n, unnest(n.kinds, n.versions) k(kind, version) group by 1
  ), judged as (
    select l.id, l.parked_at,
           exists (select from known k where k.kind = l.kind and k.version >= l.version) as served
      from engine.lanes l
  ), changed as (
    update engine.lanes l set parked_at = case when u.served then null else engine.now() end
      from judged u
     where u.id = l.id and case when u.served then l.parked_at is not null else
             l.parked_at is null and exists (
               select from engine.jobs j
                where j.lane = l.id and j.node is null and j.run_at < engine.now() - interval '1 hour') end
    returning l.kind, l.version, l.parked_at
  )
  select c.kind, c.version, count(*) from changed c where c.parked_at is not null group by 1, 2;
end $$;

-- Whether the log has rows of transactions since one, or of some that were open then. Planned once: the numbering
-- below is planned anew each time, which costs more than a look that finds nothing.
create function engine.log_has(first_new xid8, open_then xid8[]) returns boolean
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
  return exists (select from engine.log l where l.born >= first_new)
      or exists (select from engine.log l where l.born = any(open_then));
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
  if not engine.log_has(first_new, open_then) then
    return;
  end if;

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
