-- Puts jobs into the live table. The arrays run in parallel, one element a job; `keys` is null where
-- a job is not unique. Answers a row for each input: its id, or the id of the job that already holds
-- its key, and whether it was put in.
create function engine.enqueue(
  ids uuid[], tenants uuid[], lanes bigint[], kinds text[], args text[],
  run_ats timestamptz[], delays_ms bigint[], max_attempts smallint[], timeouts_ms int[],
  deadlines timestamptz[], actor text, trace text, business_keys text[], tags jsonb[], watched boolean[],
  unique_keys text[], unique_for_ms bigint[], runs uuid[], steps text[]
) returns table (ordinal bigint, id uuid, fresh boolean)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  held jsonb := '{}';
begin
  if exists (select from unnest(unique_keys) k where k is not null) then
    -- In key order, so that two enqueues of the same keys queue up instead of deadlocking. A key that is
    -- held is only read: locking it would make its job's ending wait for this transaction.
    with asked as materialized (
      select distinct on (u.tenant, u.kind, u.key) u.*, k.job_id as holder
        from unnest(ids, tenants, kinds, unique_keys, unique_for_ms) with ordinality
             as u(id, tenant, kind, key, for_ms, ord)
        left join engine.keys k on k.tenant_id = u.tenant and k.kind = u.kind and k.key = u.key
              and coalesce(k.expires_at > ready, true)
       where u.key is not null
       order by u.tenant, u.kind, u.key, u.ord
    ), put as (
      insert into engine.keys as k (tenant_id, kind, key, job_id, expires_at)
      select tenant, kind, key, id, ready + for_ms * interval '1 ms' from asked
       where holder is null
       order by tenant, kind, key
      on conflict on constraint keys_pkey do update
         set job_id = case when k.expires_at <= ready then excluded.job_id else k.job_id end,
             expires_at = case when k.expires_at <= ready then excluded.expires_at else k.expires_at end
      returning k.tenant_id, k.kind, k.key, k.job_id
    )
    select coalesce(jsonb_object_agg(tenant_id || ' ' || kind || ' ' || key, job_id), '{}') into held
      from (select tenant_id, kind, key, job_id from put
            union all select tenant, kind, key, holder from asked where holder is not null) known;
  end if;

  return query
  with given as (
    select u.*, coalesce((held ->> (u.tenant || ' ' || u.kind || ' ' || u.key))::uuid, u.id) as holder
      from unnest(ids, tenants, lanes, kinds, args, run_ats, delays_ms, max_attempts, timeouts_ms, deadlines,
                  business_keys, tags, watched, unique_keys, runs, steps)
           with ordinality
           as u(id, tenant, lane, kind, args, run_at, delay_ms, max_attempts, timeout_ms, deadline,
                business_key, tags, watched, key, run, step, ord)
  ), put as (
    insert into engine.jobs (id, tenant_id, lane, args, run_at, created_at, max_attempts, timeout_ms, deadline,
        actor, trace, business_key, tags, watched, unique_key, run_id, step, spread)
    select id, tenant, lane, args::json, greatest(run_at, ready + delay_ms * interval '1 ms', ready), ready,
           max_attempts, timeout_ms, deadline, actor::json, trace, business_key,
           case when tags is not null then array(select jsonb_array_elements_text(given.tags)) end, watched, key,
           run, step, step is not null
      from given where holder = given.id
  )
  select ord, holder, holder = given.id from given order by ord;
end $$;

-- Takes up to `takes[i]` due jobs of `lanes_asked[i]`, from behind (`after_at[i]`, `after_id[i]`), for a
-- node. The lanes must be distinct. The first row is a head and no job: what the claim saw.
--
--   t, xid, xmin  how far positions may move (see below); none where all that was asked for is at its limit: such a
--                 claim writes nothing
--   lanes         the newest lane of the queue;  revision  of the operators' decisions
--   fence         the number of this claim, if it took anything
--   dry           lanes that had less than was asked; a paused one is not among them
--   skipped       lanes in which somebody else holds a job for a moment: no position may pass it
--   held_back     lanes that a limit (0: another suspect) may hold back, with the milliseconds after which its
--                 bucket has more; none means when a slot is returned
--   due           where nothing was taken, lanes that have something in the next two seconds
--   wants_alone   a suspect waits that is run only where nothing else runs
--
-- `t` is read first and `xid` given after it: whatever a transaction younger than `xid` makes ready is
-- due after `t`. A later claim whose `xmin` has reached `xid` sees everything that is due up to `t`. Where the
-- transaction had an id before, that says nothing of `t`, and there is no `xid`.
--
-- Suspects wait in lanes of their own, by how often they were blamed: never (a few at a time run beside
-- others), once (one at a time, and the node records which), twice (with `alone`: the node runs nothing
-- else). See engine.rescue.
--
-- `connection` is the one that the dispatcher made known by engine.disown.
create function engine.claim(
  queue int, for_node uuid, connection int, alone boolean,
  lanes_asked bigint[], takes int[], after_at timestamptz[], after_id uuid[]
) returns table (
  head jsonb, id uuid, lane bigint, run_at timestamptz, attempt smallint,
  max_attempts smallint, late boolean, args json, actor json, trace text, timeout_ms int, business_key text
)
language plpgsql volatile
-- Planned once, along the index in its order: neither statistics nor values change how it is done. With
-- wrong statistics a claim once sorted all that waits.
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  is_first constant boolean := pg_current_xact_id_if_assigned() is null;
  t timestamptz;
  own xid8;
  oldest xid8;
  suspect_runs boolean;
  valid_from int;
  is_limited boolean;
  has_isolated boolean;
  wants_alone boolean := false;
  held_back jsonb;
  held_apart jsonb;
  one_from bigint;
  taken tid[];
  found_in bigint[];
  taken_from bigint[];
  skipped bigint[];
  new_fence bigint;
begin
  -- Whoever can get nothing does not stand in the way of those who can.
  perform from unnest(lanes_asked) asked(lane) join engine.lanes l on l.id = asked.lane
    where not exists (
      select from engine.limits m
       where m.id = any(l.limits) and m.running >= m.max_running
         and not exists (select from engine.limit_returns r where r.limit_id = m.id));
  if not found then
    return query
      select jsonb_build_object(
               'lanes', (select max(l.id) from engine.lanes l where l.queue_id = queue),
               'revision', (select q.revision from engine.queues q where q.id = queue),
               'held_back', (select coalesce(jsonb_agg(jsonb_build_object('lane', l.id, 'limits', l.limits)), '[]')
                               from unnest(lanes_asked) asked(lane) join engine.lanes l on l.id = asked.lane),
               'wants_alone', false),
             null::uuid, null::bigint, null::timestamptz, null::smallint, null::smallint,
             null::boolean, null::json, null::json, null::text, null::int, null::text;
    return;
  end if;
  perform pg_advisory_xact_lock(1001, queue);
  -- Nothing before this may lock a row: that would give the transaction its id.
  t := engine.now();
  if is_first then
    own := pg_current_xact_id();
  end if;
  oldest := pg_snapshot_xmin(pg_current_snapshot());

  select array_agg(a.lane order by a.ord), array_agg(a.take order by a.ord), array_agg(a.at order by a.ord),
         array_agg(a.id order by a.ord), bool_or(l.limits <> '{}'), bool_or(l.isolated)
    into lanes_asked, takes, after_at, after_id, is_limited, has_isolated
    from unnest(lanes_asked, takes, after_at, after_id) with ordinality as a(lane, take, at, id, ord)
    join engine.lanes l on l.id = a.lane
   where l.paused_at is null;
  -- The row of a node declared dead is gone; the lock keeps rescue from striking it off meanwhile. For a
  -- suspect it is held alone: claims of other queues may want one too.
  if has_isolated then
    select n.suspect_job is not null, (n.connections ->> queue::text)::int into suspect_runs, valid_from
      from engine.nodes n where n.id = for_node for no key update;
  else
    select n.suspect_job is not null, (n.connections ->> queue::text)::int into suspect_runs, valid_from
      from engine.nodes n where n.id = for_node for key share;
  end if;
  if not found or connection is distinct from valid_from then
    raise exception 'node % is not registered, or this claim is void', for_node
      using errcode = 'object_not_in_prerequisite_state';
  end if;

  if has_isolated then
    select coalesce(bool_or(waits.tier = 2), false) and not alone into wants_alone
      from engine.lanes l cross join lateral engine.suspects_in(l.id, t) waits(tier)
     where l.id = any(lanes_asked) and l.isolated;
    select array_agg(a.lane order by a.ord),
           array_agg(case when not l.isolated then a.take when l.id = first.lane then 1 else least(a.take, 8) end order by a.ord),
           array_agg(a.at order by a.ord), array_agg(a.id order by a.ord),
           jsonb_agg(jsonb_build_object('lane', a.lane, 'limits', array[0]))
             filter (where l.isolated and a.lane is distinct from first.lane),
           max(first.lane)
      into lanes_asked, takes, after_at, after_id, held_apart, one_from
      from unnest(lanes_asked, takes, after_at, after_id) with ordinality as a(lane, take, at, id, ord)
      join engine.lanes l on l.id = a.lane
      left join lateral (
        -- The first isolated lane asked that has one to run by itself, if none runs.
        select i.lane from unnest(lanes_asked) with ordinality as i(lane, ord)
          join engine.lanes il on il.id = i.lane
         where il.isolated and not suspect_runs
           and exists (select from engine.suspects_in(i.lane, t) waits(tier) where tier = case when alone then 2 else 1 end)
         order by i.ord limit 1) first on true
     where not alone or a.lane = first.lane;
  end if;
  if is_limited then
    select r.lanes, r.takes, r.ats, r.ids, r.held_back into lanes_asked, takes, after_at, after_id, held_back
      from engine.within_limits(t, lanes_asked, takes, after_at, after_id) r;
  end if;

  select array_agg(x.ctid), array_agg(x.lane) into taken, found_in
    from unnest(lanes_asked, takes, after_at, after_id) as asked(lane, take, at, id)
   cross join lateral (
     select j.ctid, j.lane from engine.jobs j
      where j.lane = asked.lane and j.node is null and (j.run_at, j.id) > (asked.at, asked.id) and j.run_at <= t
        and j.blames = case when asked.lane is distinct from one_from then 0 when alone then 2 else 1 end
      order by j.run_at, j.id
      limit asked.take
   ) x;
  taken_from := found_in;
  -- Whoever else changes waiting jobs holds (1007, queue), shared, and is not waited for: what they have
  -- locked is skipped. What limits count is what will be taken, so it is locked before it is counted.
  if taken is not null and (is_limited or has_isolated or not pg_try_advisory_xact_lock(1007, queue)) then
    select array_agg(x.ctid), array_agg(x.lane) into taken, taken_from
      from (select j.ctid, j.lane from engine.jobs j
             where j.ctid = any(taken) and j.node is null for update skip locked) x;
    if cardinality(found_in) > coalesce(cardinality(taken_from), 0) then
      skipped := array(select f from unnest(found_in) f group by f
                       having count(*) > (select count(*) from unnest(taken_from) g where g = f));
    end if;
  end if;
  if is_limited and taken is not null then
    update engine.limits m
       set running = m.running + used.jobs,
           tokens = case when m.rate_per_s is null then 0 else m.tokens - used.jobs end
      from (select limit_id, count(*)::int as jobs
              from unnest(taken_from) as f(lane) join engine.lanes l on l.id = f.lane, unnest(l.limits) limit_id
             group by limit_id) used
     where m.id = used.limit_id;
  end if;

  if taken is not null then
    new_fence := nextval('engine.claim_fence');
  elsif is_first then
    -- Nothing that a crash could take back: the next claim, which waits for this one, need not wait for the disk.
    perform set_config('synchronous_commit', 'off', true);
  end if;
  return query
    select jsonb_build_object(
             't', (extract(epoch from t) * 1000000)::bigint, 'xid', own::text::bigint, 'xmin', oldest::text::bigint,
             'lanes', (select max(l.id) from engine.lanes l where l.queue_id = queue),
             'revision', (select q.revision from engine.queues q where q.id = queue),
             'held_back', coalesce(held_back, '[]') || coalesce(held_apart, '[]'), 'fence', new_fence,
             'skipped', skipped, 'wants_alone', coalesce(wants_alone, false),
             'due', (select jsonb_agg(jsonb_build_object('lane', a.lane,
                              'wait_ms', ceil(1000 * date_part('epoch', soon.run_at - t))))
                       from unnest(lanes_asked) as a(lane) cross join lateral (
                         select j.run_at from engine.jobs j
                          where j.lane = a.lane and j.node is null and j.run_at > t and j.run_at < t + interval '2 s'
                          order by j.run_at, j.id limit 1) soon
                      where taken is null),
             'dry', (select jsonb_agg(a.lane) from unnest(lanes_asked, takes) as a(lane, take)
                       left join (select f as lane, count(*) as jobs from unnest(found_in) f group by f) got
                         on got.lane = a.lane
                      where a.take > coalesce(got.jobs, 0))),
           null::uuid, null::bigint, null::timestamptz, null::smallint, null::smallint,
           null::boolean, null::json, null::json, null::text, null::int, null::text;
  if taken is null then
    return;
  end if;
  if has_isolated then
    update engine.nodes n set suspect_job = j.id, suspect_alone = alone
      from engine.jobs j where n.id = for_node and j.ctid = any(taken) and j.blames > 0;
  end if;
  return query
    update engine.jobs j set node = for_node, claim = new_fence, started_at = t, attempt = j.attempt + 1
     where j.ctid = any(taken)
    returning null::jsonb, j.id, j.lane, j.run_at, j.attempt, j.max_attempts,
              j.deadline <= t, j.args, j.actor, j.trace, j.timeout_ms, j.business_key;
end $$;

-- How often the suspects of an isolated lane that are due have been blamed, each number once.
create function engine.suspects_in(lane_ bigint, t timestamptz) returns setof smallint
  language sql stable
begin atomic
  select distinct j.blames from engine.jobs j where j.lane = lane_ and j.node is null and j.run_at <= t;
end;

-- Hands back what a node claimed after the claim `after_fence` without ever learning of it, because the
-- connection broke before the answer came; the lanes are those that it asked then. Claims on connections
-- before this one are void from now on, also those that the server has not read yet. Answers how many jobs
-- were handed back.
create function engine.disown(
  queue int, for_node uuid, connection_ int, after_fence bigint, lanes_asked bigint[]
) returns bigint
language plpgsql volatile set enable_seqscan = off as $$
declare
  ids uuid[];
  tenants uuid[];
  fences bigint[];
begin
  perform pg_advisory_xact_lock(1001, queue);
  update engine.nodes n set connections = n.connections || jsonb_build_object(queue::text, connection_)
   where n.id = for_node;
  select array_agg(j.id), array_agg(j.tenant_id), array_agg(j.claim) into ids, tenants, fences
    from engine.jobs j join engine.lanes l on l.id = j.lane
   where j.lane = any(lanes_asked) and j.run_at <= engine.now() and j.node = for_node and l.queue_id = queue
     and j.claim > after_fence;
  return engine.release(ids, tenants, fences);
end $$;

-- Hands jobs back unrun, as if they had never been claimed. Answers how many.
create function engine.release(ids uuid[], tenants uuid[], fences bigint[]) returns bigint
language plpgsql volatile as $$
declare
  nothing text[];
begin
  if coalesce(cardinality(ids), 0) = 0 then
    return 0;
  end if;
  nothing := array_fill(null::text, array[cardinality(ids)]);
  perform engine.finish(ids, tenants, fences, array_fill('released'::text, array[cardinality(ids)]),
    array_fill(0::bigint, array[cardinality(ids)]), nothing::jsonb[], nothing, nothing);
  return cardinality(ids);
end $$;

-- What of the asked lanes the limits allow now. Counts returned slots, refills the buckets, and locks
-- the limits until the claim has counted what it took. `held_back` names the lanes that got less than
-- they asked for, by which limits, with the milliseconds after which a bucket has more (none: when a
-- slot is returned; never more than an hour, for then it is looked at again anyway).
create function engine.within_limits(
  t timestamptz, lanes_asked bigint[], takes_asked int[], after_at timestamptz[], after_id uuid[],
  out lanes bigint[], out takes int[], out ats timestamptz[], out ids uuid[], out held_back jsonb
)
language plpgsql volatile set enable_seqscan = off as $$
#variable_conflict use_column
declare
  concerned bigint[];
  room jsonb := '{}';
  rates jsonb := '{}';
  asked record;
  allowed int;
  limit_id bigint;
begin
  held_back := '[]';
  concerned := array(
    select m.id from engine.limits m
     where m.id in (select unnest(l.limits) from engine.lanes l where l.id = any(lanes_asked))
     order by m.id for update);
  with returned as (
    delete from engine.limit_returns r where r.limit_id = any(concerned) returning r.limit_id, r.slots
  ), settled as (
    update engine.limits m
       set running = m.running - coalesce(s.slots, 0),
           tokens = case when m.rate_per_s is null then 0 else
             least(m.burst, m.tokens + m.rate_per_s * greatest(0, extract(epoch from t - m.refilled_at))) end,
           refilled_at = greatest(m.refilled_at, t)
      from unnest(concerned) c(id)
      left join (select r.limit_id, sum(r.slots) as slots from returned r group by r.limit_id) s on s.limit_id = c.id
     where m.id = c.id
    returning m.id, m.rate_per_s, m.tokens,
              least(coalesce(m.max_running - m.running, 1000000000),
                    case when m.rate_per_s is null then 1000000000 else floor(m.tokens) end)::int as room
  )
  select jsonb_object_agg(id, greatest(room, 0)),
         jsonb_object_agg(id, least(3600000, ceil((1 - tokens) / rate_per_s * 1000)))
           filter (where rate_per_s is not null and tokens < 1)
    into room, rates from settled;

  for asked in
    select a.*, l.limits
      from unnest(lanes_asked, takes_asked, after_at, after_id) with ordinality as a(lane, take, at, id, ord)
      join engine.lanes l on l.id = a.lane order by a.ord
  loop
    allowed := asked.take;
    foreach limit_id in array asked.limits loop
      allowed := least(allowed, (room ->> limit_id::text)::int);
    end loop;
    foreach limit_id in array asked.limits loop
      room := jsonb_set(room, array[limit_id::text], to_jsonb((room ->> limit_id::text)::int - allowed));
    end loop;
    if allowed > 0 then
      lanes := lanes || asked.lane;
      takes := takes || allowed;
      ats := ats || asked.at;
      ids := ids || asked.id;
    end if;
    if allowed < asked.take then
      held_back := held_back || jsonb_build_array((
        select jsonb_build_object('lane', asked.lane, 'limits', jsonb_agg(l),
                 'wait_ms', max((rates ->> l::text)::int))
          from unnest(asked.limits) l where (room ->> l::text)::int <= 0));
    end if;
  end loop;
end $$;

-- Ends attempts, each only if it still holds its claim. `verdicts` are the states of job_history, or
-- `retrying` (back to the live table after `delays_ms`, the attempt counted), `snoozed` (likewise,
-- not counted) and `released` (at once, not counted and not recorded). `lost` are the ids that were not
-- ours any more, of which nothing was changed; `wakes` are the lanes, of the queues beside them, that
-- jobs went back to, or that steps of workflows were released to; `returned` the limits that got slots back
-- (0: a suspect has ended); `logged` says whether the log has grown.
create function engine.finish(
  ids uuid[], tenants uuid[], claims bigint[], verdicts text[], delays_ms bigint[],
  outputs jsonb[], error_codes text[], errors text[],
  out lost uuid[], out wakes bigint[], out wake_queues int[], out returned bigint[], out logged boolean
)
language plpgsql volatile
-- Row by row along the key, in the order of ids: whatever the statistics say, and the order of locks. A plan that is
-- made while the table is empty would as soon read an index through, so each job is looked up by itself.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  some_stay boolean := verdicts && array['retrying', 'snoozed', 'released'];
  held uuid[] := '{}';
  held_lanes bigint[] := '{}';
  suspects uuid[];
  stayed uuid[];
  stayed_lanes bigint[];
  unwanted uuid[];
  is_limited boolean;
  gone engine.step_end[];
  released bigint[];
  looked_again boolean := false;
  now_held uuid[];
  now_lanes bigint[];
  now_suspects uuid[];
  now_gone engine.step_end[];
  now_logged boolean;
begin
  logged := false;
  if some_stay then
    -- Two statements change rows then, so all are locked in one order first. `offset 0` keeps the condition out of what
    -- is locked: else only those would be that were seen to be cancelled before anybody was waited for, and a cancellation
    -- that commits a moment later would find its job neither running nor ever to end.
    unwanted := array(
      select x.id from (
        select j.id, j.cancel_requested_at
          from (select * from unnest(ids, tenants, claims) as u(id, tenant, claim) order by u.id) u
         cross join lateral (
           select j.id, j.cancel_requested_at from engine.jobs j
            where j.tenant_id = u.tenant and j.id = u.id and j.claim = u.claim
              for update) j
        offset 0) x
       where x.cancel_requested_at is not null);
    -- What was cancelled while it ran is not tried again.
    verdicts := array(
      select case when u.id = any(unwanted) and u.verdict in ('retrying', 'snoozed', 'released')
                  then 'cancelled' else u.verdict end
        from unnest(ids, verdicts) with ordinality as u(id, verdict, ord) order by u.ord);
  end if;

  loop
    with said as materialized (
      select u.*, o.place
        from (select * from unnest(ids, tenants, claims, verdicts, outputs, error_codes, errors)
                         as u(id, tenant, fence, verdict, output, error_code, error)
               where (not some_stay or u.verdict in ('completed', 'cancelled', 'discarded', 'quarantined'))
                 and u.id <> all(held)
               order by u.id) u
       cross join lateral (
         select j.ctid as place from engine.jobs j
          where j.tenant_id = u.tenant and j.id = u.id and j.claim = u.fence
         offset 0) o
    ), done as (
      delete from engine.jobs j using said s where j.ctid = s.place and j.claim = s.fence
      returning j.*, s.verdict, s.output, s.error_code, s.error
    ), filed as (
      insert into engine.job_history (id, tenant_id, lane, attempt, max_attempts, created_at, started_at,
          finished_at, timeout_ms, watched, spread, node, state, args, actor, trace, business_key, unique_key, tags,
          note, attempts, output, error_code, run_id, step)
      select d.id, d.tenant_id, d.lane, d.attempt, d.max_attempts, d.created_at, d.started_at,
             ready, d.timeout_ms, d.watched, d.spread, d.node, d.verdict, d.args, d.actor, d.trace, d.business_key,
             d.unique_key, d.tags, d.note,
             case when d.error is null then d.attempts else engine.with_attempt(
               d.attempts, d.attempt, d.node, d.started_at, ready, d.error_code, d.error) end,
             d.output, d.error_code, d.run_id, d.step
        from done d
    ), freed as (
      delete from engine.keys k using done d
       where d.unique_key is not null and d.run_id is distinct from d.id
         and k.tenant_id = d.tenant_id and k.key = d.unique_key
         and k.kind = (select l.kind from engine.lanes l where l.id = d.lane)
         and k.job_id = d.id and k.expires_at is null
    ), told as (
      insert into engine.log (tenant_id, type, subject, body)
      select d.tenant_id, 'job.' || d.verdict, 'job:' || d.id,
             jsonb_build_object('job_id', d.id, 'attempt', d.attempt, 'error_code', d.error_code,
               'kind', (select l.kind from engine.lanes l where l.id = d.lane))
        from done d
       where d.watched or d.verdict in ('discarded', 'quarantined')
      returning true
    ), counted as (
      insert into engine.tallies (minute, tenant_id, lane, node, what, code, bucket, count)
      select date_trunc('minute', ready), g.tenant_id, g.lane, g.node, g.verdict, g.error_code,
             engine.duration_bucket(ready - g.started_at), g.count
        from (select d.tenant_id, d.lane, d.node, d.verdict, d.error_code, d.started_at, count(*)
                from done d group by d.lane, d.started_at, d.verdict, d.error_code, d.tenant_id, d.node) g
    )
    select array_agg(d.id), array_agg(d.lane), array_agg(d.id) filter (where d.suspect), exists (select from told),
           array_agg(row(d.tenant_id, d.run_id, d.step, d.verdict, case when not d.spread then d.output end)::engine.step_end)
             filter (where d.run_id is not null)
      into now_held, now_lanes, now_suspects, now_logged, now_gone from done d;
    held := held || now_held;
    held_lanes := held_lanes || now_lanes;
    suspects := suspects || now_suspects;
    logged := logged or now_logged;
    gone := gone || now_gone;
    exit when looked_again or some_stay or cardinality(held) = cardinality(ids);
    -- What somebody changed at that moment lies elsewhere by now: once it is locked it stays where it is.
    perform from (select * from unnest(ids, tenants, claims) as u(id, tenant, claim)
                   where u.id <> all(held) order by u.id) u
      cross join lateral (
        select from engine.jobs j
         where j.tenant_id = u.tenant and j.id = u.id and j.claim = u.claim for update) j;
    exit when not found;
    looked_again := true;
  end loop;

  if some_stay then
    with said as materialized (
      select u.*, o.place
        from (select * from unnest(ids, tenants, claims, verdicts, delays_ms, error_codes, errors)
                         as u(id, tenant, fence, verdict, delay_ms, error_code, error)
               where u.verdict in ('retrying', 'snoozed', 'released')
               order by u.id) u
       cross join lateral (
         select j.ctid as place from engine.jobs j
          where j.tenant_id = u.tenant and j.id = u.id and j.claim = u.fence
         offset 0) o
    ), kept as (
      update engine.jobs j
         set node = null, claim = null, started_at = null, progress = null,
             run_at = ready + coalesce(s.delay_ms, 0) * interval '1 ms',
             attempt = case when s.verdict = 'retrying' then j.attempt else j.attempt - 1 end,
             -- A suspect that ended by itself did not bring its process down; one that was never begun
             -- has shown nothing.
             suspect = j.suspect and s.verdict = 'released',
             blames = case when s.verdict = 'released' then j.blames else 0 end, lane = case when j.suspect and s.verdict <> 'released' then engine.open_lane(j.lane) else j.lane end,
             attempts = case when s.error is null then j.attempts else engine.with_attempt(
               j.attempts, j.attempt, j.node, j.started_at, ready, s.error_code, s.error) end
        from said s
       where j.ctid = s.place and j.claim = s.fence
      returning j.id, j.tenant_id, j.lane, s.verdict, s.error_code
    ), counted as (
      insert into engine.tallies (minute, tenant_id, lane, what, code, count)
      select date_trunc('minute', ready), tenant_id, lane, verdict, error_code, count(*)
        from kept where verdict <> 'released' group by 2, 3, 4, 5
    )
    select array_agg(id), array_agg(lane) into stayed, stayed_lanes from kept;
    held := held || stayed;
    held_lanes := held_lanes || stayed_lanes;
    suspects := suspects || array(
      select n.suspect_job from engine.nodes n where n.suspect_job = any(stayed));
  end if;

  if coalesce(cardinality(held), 0) < cardinality(ids) then
    lost := array(select unnest(ids) except select unnest(held));
  end if;
  select array_agg(l.id) filter (where l.id = any(stayed_lanes)),
         array_agg(l.queue_id) filter (where l.id = any(stayed_lanes)), bool_or(l.limits <> '{}')
    into wakes, wake_queues, is_limited
    from (select distinct h as lane from unnest(held_lanes) h) h join engine.lanes l on l.id = h.lane;
  if is_limited then
    -- A handler's own transaction may write here and not read.
    insert into engine.limit_returns (limit_id, slots)
    select limit_id, count(*)
      from unnest(held_lanes) as h(lane) join engine.lanes l on l.id = h.lane, unnest(l.limits) limit_id
     group by limit_id;
    returned := array(select distinct m from engine.lanes l, unnest(l.limits) m where l.id = any(held_lanes));
  end if;
  if suspects <> '{}' then
    perform engine.clear_suspects(suspects);
    returned := returned || 0::bigint;
  end if;
  if gone is not null then
    select a.lanes, logged or a.logged into released, logged from engine.advance(gone, ready) a;
    select wakes || array_agg(l.id), wake_queues || array_agg(l.queue_id) into wakes, wake_queues
      from engine.lanes l where l.id = any(released);
  end if;
end $$;

-- Ends attempts and claims for the slots that they give back, in one transaction: see engine.finish and engine.claim.
-- The last row is neither a head nor a job. Its `ended` holds what engine.finish answers under `finished`, of `returned`
-- only the limits that still have a slot after the claim. `stood_back` says that nothing was claimed: because others
-- were in the line of claims for long, or because other queues share a limit that got slots back, and whoever works on
-- them would never find one free.
--
-- Each statement of the claim sees what the endings did, so the slots count. What these endings put back or release is
-- due after they got their id, so no position passes it: see engine.claim.
--
-- Here jobs and runs are locked before the line of claims and not after it, against the order that all others keep:
-- else whoever holds a job would hold up the claims of all processes. So the line is never waited for with a lock, only
-- tried for, and there is no circle. What else is waited for is given up long before the second after which Postgres looks
-- for a deadlock: nothing is done then, and the endings are written without a claim.
create function engine.finish_and_claim(
  ids uuid[], tenants uuid[], claims bigint[], verdicts text[], delays_ms bigint[],
  outputs jsonb[], error_codes text[], errors text[],
  queue int, for_node uuid, connection int,
  lanes_asked bigint[], takes int[], after_at timestamptz[], after_id uuid[]
) returns table (
  ended jsonb, head jsonb, id uuid, lane bigint, run_at timestamptz, attempt smallint,
  max_attempts smallint, late boolean, args json, actor json, trace text, timeout_ms int, business_key text
)
language plpgsql volatile set lock_timeout = '50ms' as $$
#variable_conflict use_column
declare
  done record;
  stands_back boolean;
  patience int := 50;
begin
  select f.* into strict done
    from engine.finish(ids, tenants, claims, verdicts, delays_ms, outputs, error_codes, errors) f;
  stands_back := exists (
    select from engine.limits m where m.id = any(done.returned) and m.queue_id is distinct from queue);
  while not stands_back and not pg_try_advisory_xact_lock(1001, queue) loop
    perform pg_sleep(0.0003);
    patience := patience - 1;
    stands_back := patience = 0;
  end loop;
  return query
    select null::jsonb, c.*
      from engine.claim(queue, for_node, connection, false,
             case when stands_back then '{}' else lanes_asked end, takes, after_at, after_id) c;
  return query
    select jsonb_build_object(
             'stood_back', stands_back,
             'finished', jsonb_build_object(
               'lost', done.lost, 'wakes', done.wakes, 'wake_queues', done.wake_queues,
               'logged', coalesce(done.logged, false),
               -- Others need not look for what was taken again. What this claim did not count lies there still.
               'returned', (
                 select jsonb_agg(r) from unnest(done.returned) r
                  where r = 0 or exists (select from engine.limit_returns l where l.limit_id = r)
                     or exists (select from engine.limits m where m.id = r and m.running < m.max_running)))),
           null::jsonb, null::uuid, null::bigint, null::timestamptz, null::smallint, null::smallint,
           null::boolean, null::json, null::json, null::text, null::int, null::text;
end $$;

-- The half decade that a duration falls into: it took less than 10^(bucket/2) ms; 13 stands for more
-- than 1,000 s.
create function engine.duration_bucket(took interval) returns smallint
  language sql immutable parallel safe
  return width_bucket(1000 * date_part('epoch', took),
    array[1, 3.1622776601683795, 10, 31.622776601683793, 100, 316.22776601683796, 1e3, 3162.2776601683795,
          1e4, 31622.776601683792, 1e5, 316227.7660168379, 1e6]::float8[])::smallint;

-- The attempts of a job with one more.
create function engine.with_attempt(
  before jsonb, attempt smallint, node uuid, started_at timestamptz, ended_at timestamptz, code text, error text
) returns jsonb
  language sql stable parallel safe
  return coalesce(before, '[]') || jsonb_build_array(jsonb_build_object(
    'attempt', attempt, 'node', node, 'started_at', started_at, 'ended_at', ended_at,
    'code', code, 'error', error));

-- The lane of the same place where suspects do not wait.
create function engine.open_lane(isolated_lane bigint) returns bigint
  language sql stable
begin atomic
  select o.id from engine.lanes i
    join engine.lanes o using (queue_id, tenant_id, priority, kind, version, limit_key)
   where i.id = isolated_lane and not o.isolated;
end;

-- These suspects have ended without bringing their node down. Runs as the owner of the rows: a handler
-- that ends its job in its own transaction has no right to nodes.
create function engine.clear_suspects(ended uuid[]) returns void
  language sql volatile security definer set search_path = pg_catalog, engine
begin atomic
  update engine.nodes set suspect_job = null, suspect_alone = false where suspect_job = any(ended);
end;

-- Ends jobs that nobody runs, without running them. Answers those that ended so; the others are
-- running or have ended already.
create function engine.bury(tenants uuid[], ids uuid[], verdict text, code text, why text) returns setof uuid
language plpgsql volatile
-- As engine.finish.
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_bitmapscan = off as $$
#variable_conflict use_column
declare
  ready timestamptz := engine.ready_at();
  held tid[];
  buried uuid[];
  gone engine.step_end[];
begin
  held := array(
    select j.ctid from (select * from unnest(tenants, ids) as u(tenant, id) order by u.id) u
     cross join lateral (
       select j.ctid from engine.jobs j
        where j.tenant_id = u.tenant and j.id = u.id and j.node is null
          for update) j);
  with ended as (
    delete from engine.jobs j where j.ctid = any(held) returning j.*
  ), filed as (
    insert into engine.job_history (id, tenant_id, lane, attempt, max_attempts, created_at, started_at,
        finished_at, timeout_ms, watched, spread, state, args, actor, trace, business_key, unique_key, tags,
        note, attempts, error_code, run_id, step)
    select e.id, e.tenant_id, e.lane, e.attempt, e.max_attempts, e.created_at, e.started_at,
           ready, e.timeout_ms, e.watched, e.spread, verdict, e.args, e.actor, e.trace, e.business_key,
           e.unique_key, e.tags, coalesce(why, e.note), e.attempts, code, e.run_id, e.step
      from ended e
  ), freed as (
    delete from engine.keys k using ended e
     where e.unique_key is not null and e.run_id is distinct from e.id
       and k.tenant_id = e.tenant_id and k.key = e.unique_key
       and k.kind = (select l.kind from engine.lanes l where l.id = e.lane)
       and k.job_id = e.id and k.expires_at is null
  ), told as (
    insert into engine.log (tenant_id, type, subject, body)
    select e.tenant_id, 'job.' || verdict, 'job:' || e.id,
           jsonb_build_object('job_id', e.id, 'kind', l.kind, 'attempt', e.attempt, 'error_code', code)
      from ended e join engine.lanes l on l.id = e.lane
     where e.watched or verdict in ('discarded', 'quarantined')
  ), counted as (
    insert into engine.tallies (minute, tenant_id, lane, what, code, count)
    select date_trunc('minute', ready), e.tenant_id, e.lane, verdict, code, count(*)
      from ended e group by e.tenant_id, e.lane
  )
  select array_agg(e.id),
         array_agg(row(e.tenant_id, e.run_id, e.step, verdict, null)::engine.step_end) filter (where e.run_id is not null)
    into buried, gone from ended e;
  if gone is not null then
    perform engine.advance(gone, ready);
  end if;
  return query select unnest(buried);
end $$;
