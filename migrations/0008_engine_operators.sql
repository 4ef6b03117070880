-- What operators decide is kept in `pauses` and `limits` and worked out for each lane when it changes.
-- Whoever changes it holds (1004, 0) alone; whoever makes a lane shares it.

-- What the decisions mean for one lane.
create function engine.rules_of(
  queue int, tenant uuid, kind_ text, limit_key_ text,
  out weight real, out paused_at timestamptz, out limits bigint[]
)
  language sql stable
begin atomic
  select coalesce((select m.weight from engine.limits m
                    where m.queue_id = queue and m.tenant_id = tenant and m.key is null), 1),
         (select min(p.paused_at) from engine.pauses p
           where coalesce(p.queue_id, queue) = queue and coalesce(p.tenant_id, tenant) = tenant
             and coalesce(p.kind, kind_) = kind_),
         array(select m.id from engine.limits m
                where (m.max_running is not null or m.rate_per_s is not null)
                  and coalesce(m.queue_id, queue) = queue and coalesce(m.tenant_id, tenant) = tenant
                  and coalesce(m.key, limit_key_) = limit_key_
                order by m.id);
end;

-- The lane of a place, made if it is new.
create function engine.make_lane(
  queue int, tenant uuid, priority_ smallint, kind_ text, version_ smallint, limit_key_ text
) returns bigint
language plpgsql volatile as $$
declare
  made bigint;
begin
  perform pg_advisory_xact_lock_shared(1004, 0);
  -- One at a time for each queue, so that numbers become visible in their order: a dispatcher that has
  -- read up to one has read all before it.
  perform pg_advisory_xact_lock(1006, queue);
  insert into engine.lanes (queue_id, tenant_id, priority, kind, version, limit_key, weight, paused_at, limits)
  select queue, tenant, priority_, kind_, version_, limit_key_, r.weight, r.paused_at, r.limits
    from engine.rules_of(queue, tenant, kind_, limit_key_) r
  on conflict on constraint lanes_place_key do nothing
  returning id into made;
  if made is null then
    -- Another transaction made it while this one waited; this statement's snapshot shows it.
    select l.id into strict made from engine.lanes l
     where (l.queue_id, l.tenant_id, l.priority, l.kind, l.version, l.limit_key)
         = (queue, tenant, priority_, kind_, version_, limit_key_) and not l.isolated;
  end if;
  return made;
end $$;

-- Works the decisions out again for the lanes of a queue, a tenant or both (null: of all).
create function engine.apply_rules(queue int, tenant uuid) returns void
  language sql volatile
begin atomic
  update engine.lanes l set weight = r.weight, paused_at = r.paused_at, limits = r.limits
    from engine.lanes o, engine.rules_of(o.queue_id, o.tenant_id, o.kind, o.limit_key) r
   where o.id = l.id
     and (queue is null or l.queue_id = queue) and (tenant is null or l.tenant_id = tenant)
     and (l.weight, l.paused_at, l.limits) is distinct from (r.weight, r.paused_at, r.limits);
  update engine.queues q set revision = q.revision + 1 where queue is null or q.id = queue;
end;

-- Nothing of the named scope is claimed from now on; what runs may end.
create function engine.pause(decider text, queue int, tenant uuid, kind_ text, why_ text) returns void
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock(1004, 0);
  insert into engine.pauses (decided_by, queue_id, tenant_id, kind, why)
  values (decider, queue, tenant, kind_, why_)
  on conflict on constraint pauses_place_key do update set why = excluded.why;
  perform engine.apply_rules(queue, tenant);
end $$;

-- Takes back exactly that pause; wider ones go on, and so do those of others. Answers whether there was one.
create function engine.resume(decider text, queue int, tenant uuid, kind_ text) returns boolean
language plpgsql volatile as $$
declare
  was_paused boolean;
begin
  perform pg_advisory_xact_lock(1004, 0);
  delete from engine.pauses p
   where p.decided_by = decider
     and (p.queue_id, p.tenant_id, p.kind) is not distinct from (queue, tenant, kind_);
  was_paused := found;
  perform engine.apply_rules(queue, tenant);
  return was_paused;
end $$;

-- Sets a bound, or takes it away where nothing is said. Claims of the queues concerned wait meanwhile,
-- and so do endings of what runs there, so that the count of what runs begins exact.
create function engine.set_limit(
  queue int, tenant uuid, key_ text, max_running_ int, rate double precision, burst_ int, weight_ real
) returns void
language plpgsql volatile as $$
declare
  limit_id_ bigint;
  concerned int;
begin
  perform pg_advisory_xact_lock(1004, 0);
  for concerned in select q.id from engine.queues q where queue is null or q.id = queue order by q.id loop
    perform pg_advisory_xact_lock(1001, concerned);
  end loop;
  if coalesce(max_running_, rate, weight_) is null then
    delete from engine.limits m
     where (m.queue_id, m.tenant_id, m.key) is not distinct from (queue, tenant, key_)
    returning m.id into limit_id_;
    delete from engine.limit_returns r where r.limit_id = limit_id_;
    perform engine.apply_rules(queue, tenant);
    return;
  end if;
  insert into engine.limits as m (queue_id, tenant_id, key, max_running, rate_per_s, burst, weight, tokens)
  values (queue, tenant, key_, max_running_, rate, burst_, weight_, coalesce(burst_, 0))
  on conflict on constraint limits_place_key do update
     set max_running = excluded.max_running, rate_per_s = excluded.rate_per_s, burst = excluded.burst,
         weight = excluded.weight,
         tokens = case when m.rate_per_s is null then excluded.tokens else least(m.tokens, excluded.tokens) end,
         refilled_at = case when m.rate_per_s is null then engine.now() else m.refilled_at end
  returning m.id into limit_id_;
  perform engine.apply_rules(queue, tenant);
  -- Whoever finishes a job here may wait for a lane in turn, which waits for us: not for long, then.
  perform set_config('lock_timeout', '2s', true);
  perform from engine.jobs j
    where j.node is not null
      and j.lane in (select l.id from engine.lanes l where limit_id_ = any(l.limits))
    order by j.id for update;
  perform set_config('lock_timeout', '0', true);
  delete from engine.limit_returns r where r.limit_id = limit_id_;
  update engine.limits m set running = (
    select count(*) from engine.jobs j
     where j.node is not null and j.lane in (select l.id from engine.lanes l where limit_id_ = any(l.limits)))
   where m.id = limit_id_;
end $$;

-- Bounds, leaving the weight as it is.
create function engine.set_bounds(
  queue int, tenant uuid, key_ text, max_running_ int, rate double precision, burst_ int
) returns void
language plpgsql volatile as $$
begin
  -- Before it is read: another's change must not be undone.
  perform pg_advisory_xact_lock(1004, 0);
  perform engine.set_limit(queue, tenant, key_, max_running_, rate, burst_, (
    select m.weight from engine.limits m
     where m.queue_id = queue and m.tenant_id = tenant and m.key is null and key_ is null));
end $$;

-- A tenant's share of a queue beside others (1 is usual), leaving its bounds as they are.
create function engine.set_weight(queue int, tenant uuid, weight_ real) returns void
language plpgsql volatile as $$
declare
  known engine.limits;
begin
  perform pg_advisory_xact_lock(1004, 0);
  select m.* into known from engine.limits m where m.queue_id = queue and m.tenant_id = tenant and m.key is null;
  perform engine.set_limit(queue, tenant, null, known.max_running, known.rate_per_s, known.burst,
    nullif(weight_, 1));
end $$;

-- A tenant's own decisions: the same, within its wall.
create function engine.pause_own(queue int, kind_ text, why_ text) returns void
  language sql volatile security definer set search_path = pg_catalog, engine
begin atomic
  select engine.pause('tenant', queue, engine.tenant(), kind_, why_) where engine.tenant() is not null;
end;
create function engine.resume_own(queue int, kind_ text) returns boolean
  language sql volatile security definer set search_path = pg_catalog, engine
begin atomic
  select engine.resume('tenant', queue, engine.tenant(), kind_) where engine.tenant() is not null;
end;
create function engine.set_own_limit(queue int, key_ text, max_running_ int, rate double precision, burst_ int)
returns void
  language sql volatile security definer set search_path = pg_catalog, engine
begin atomic
  -- The share beside other tenants is not the tenant's to choose.
  select engine.set_bounds(queue, engine.tenant(), key_, max_running_, rate, burst_)
   where engine.tenant() is not null;
end;

-- Says to claims that waiting jobs are being changed, until the transaction ends.
create function engine.hold_waiting() returns void
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(1007, q.id) from engine.queues q;
end $$;

-- The three things that can be done with single jobs of the caller's tenant. Each answers a word for
-- every job it was given: what was done, or the state that forbids it.

-- `cancelled` at once if nobody runs it, else `cancelling`: its node is told.
create function engine.cancel(ids uuid[]) returns table (id uuid, result text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  gone uuid[];
begin
  perform engine.hold_waiting();
  -- All at once and in order: none of them begins or ends between the two steps below.
  perform from engine.jobs j where j.tenant_id = tenant and j.id = any(ids) order by j.id for update;
  gone := array(select engine.bury(array_fill(tenant, array[cardinality(ids)]), ids, 'cancelled', null, null));
  return query
  with asked as (
    update engine.jobs j set cancel_requested_at = coalesce(j.cancel_requested_at, engine.now())
     where j.tenant_id = tenant and j.id = any(ids) and j.node is not null
    returning j.id
  )
  select i, case when i = any(gone) then 'cancelled' when i in (select a.id from asked a) then 'cancelling'
                 else engine.state_of(tenant, i) end
    from unnest(ids) i;
end $$;

-- A dead letter that nobody runs; a running one must be cancelled first.
create function engine.discard(ids uuid[]) returns table (id uuid, result text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  gone uuid[];
begin
  perform engine.hold_waiting();
  gone := array(select engine.bury(array_fill(tenant, array[cardinality(ids)]), ids, 'discarded', 'discarded_by_hand', null));
  return query
  select i, case when i = any(gone) then 'discarded' else engine.state_of(tenant, i) end from unnest(ids) i;
end $$;

-- Waiting jobs become due now; those that ended other than completed come back under the same id with
-- as many attempts as they had at first. `key_held`: another job has taken its uniqueness key. What belongs to a
-- workflow (`part_of_run`) is taken up again with its run, which then names itself.
create function engine.retry(ids uuid[], in_run uuid default null) returns table (id uuid, result text)
language plpgsql volatile as $$
#variable_conflict use_column
declare
  tenant uuid := engine.tenant();
  ready timestamptz := engine.ready_at();
  hurried uuid[];
  refused uuid[];
  revived uuid[];
  past engine.job_history[];
begin
  perform engine.hold_waiting();
  with held as (
    select j.ctid from engine.jobs j
     where j.tenant_id = tenant and j.id = any(ids) and j.node is null order by j.id for update
  ), due as (
    update engine.jobs j set run_at = ready where j.ctid in (select ctid from held) returning j.id
  )
  select array_agg(id) into hurried from due;
  -- The row of history is taken first: of two that retry the same job one finds nothing.
  with gone as (
    delete from engine.job_history h
     where h.tenant_id = tenant and h.id = any(ids) and h.state <> 'completed'
       and h.run_id is not distinct from in_run returning h as whole
  )
  select array_agg(whole) into past from gone;
  with wanted as (
    select r.id, r.unique_key, l.kind from unnest(past) r join engine.lanes l on l.id = r.lane
     where r.unique_key is not null order by l.kind, r.unique_key
  ), put as (
    insert into engine.keys (tenant_id, kind, key, job_id)
    select tenant, kind, unique_key, id from wanted
    on conflict on constraint keys_pkey do nothing returning job_id
  )
  select array_agg(w.id) into refused from wanted w
   where w.id not in (select job_id from put)
     and not exists (select from engine.keys k
                      where k.tenant_id = tenant and k.kind = w.kind and k.key = w.unique_key and k.job_id = w.id);
  -- Their last attempts count as what they are now, tried again, so that what is given up counts no more than there is.
  insert into engine.tallies (minute, tenant_id, lane, node, what, code, bucket, count)
  select date_trunc('minute', r.finished_at), tenant, r.lane, r.node, w.what, r.error_code,
         engine.duration_bucket(r.finished_at - r.started_at), w.count
    from unnest(past) r
   cross join (values (true, -1), (false, 1)) as v(gone, count)
   cross join lateral (
     select case when v.gone then r.state when r.state <> 'cancelled' then 'retrying' end as what, v.count) w
   where r.id <> all(coalesce(refused, '{}')) and w.what is not null;
  with back as (
    insert into engine.job_history select * from unnest(past) r where r.id = any(refused)
  ), live as (
    insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, attempt, max_attempts,
        watched, spread, args, actor, business_key, unique_key, trace, tags, note, attempts, run_id, step)
    select r.id, r.tenant_id, coalesce(engine.open_lane(r.lane), r.lane), ready, r.created_at, r.timeout_ms, 0,
           r.max_attempts, r.watched, r.spread, r.args, r.actor, r.business_key, r.unique_key, r.trace, r.tags, r.note,
           r.attempts, r.run_id, r.step
      from unnest(past) r where r.id <> all(coalesce(refused, '{}'))
    returning id
  )
  select array_agg(id) into revived from live;
  return query
  select i, case when i = any(hurried) or i = any(revived) then 'available'
                 when i = any(refused) then 'key_held'
                 when exists (select from engine.job_history h
                               where h.tenant_id = tenant and h.id = i and h.state <> 'completed') then 'part_of_run'
                 else engine.state_of(tenant, i) end
    from unnest(ids) i;
end $$;

-- How a live job is called.
create function engine.live_state(node uuid, attempt smallint, run_at timestamptz, parked_at timestamptz)
returns text
  language sql volatile parallel safe
  return case
    when node is not null then 'running'
    when run_at > engine.now() and attempt > 0 then 'retrying'
    when run_at > engine.now() then 'scheduled'
    when parked_at is not null then 'parked'
    when attempt > 0 then 'retrying'
    else 'available' end;

-- The state of one job, null if the tenant has none of this id.
create function engine.state_of(tenant uuid, job uuid) returns text
  language sql stable
begin atomic
  select coalesce(
    (select engine.live_state(j.node, j.attempt, j.run_at, l.parked_at)
       from engine.jobs j join engine.lanes l on l.id = j.lane where j.tenant_id = tenant and j.id = job),
    (select h.state from engine.job_history h where h.tenant_id = tenant and h.id = job limit 1));
end;

grant create on schema engine to switchboard_system;
alter function engine.pause_own owner to switchboard_system;
alter function engine.resume_own owner to switchboard_system;
alter function engine.set_own_limit owner to switchboard_system;
revoke create on schema engine from switchboard_system;

revoke all on all functions in schema engine from public;
grant execute on all functions in schema engine to switchboard_system;
grant execute on function
  engine.tenant, engine.now, engine.today, engine.ready_at, engine.enqueue, engine.finish, engine.with_attempt, engine.duration_bucket, engine.open_lane,
  engine.clear_suspects, engine.bury, engine.hold_waiting, engine.cancel, engine.discard, engine.retry, engine.state_of,
  engine.live_state, engine.pause_own, engine.resume_own, engine.set_own_limit
  to switchboard_app;
