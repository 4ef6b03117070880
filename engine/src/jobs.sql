-- $1 tenant, $2 ids below, $3 limit, $4 id, $5 kind, $6 state, $7 business key, $8 queue, $9 tag,
-- $10 error code, $11 node, $12 ids, $13 ended since, $14 ended before, $15 ids above
with live as (
  select j.id, j.lane, s.state, j.attempt, j.max_attempts, j.created_at, j.run_at, j.started_at,
         null::timestamptz as finished_at, j.business_key, j.tags, j.progress, j.note, j.attempts,
         null::jsonb as output, null::text as error_code, j.node, j.deadline,
         j.cancel_requested_at is not null as cancelling, j.args, j.trace, j.run_id, j.step
    from engine.jobs j
    join engine.lanes l on l.id = j.lane
   cross join lateral (select engine.live_state(j.node, j.attempt, j.run_at, l.parked_at) as state) s
   where j.tenant_id = $1 and ($2::uuid is null or j.id < $2) and ($4::uuid is null or j.id = $4)
     and ($5::text is null or l.kind = $5) and ($6::text is null or s.state = $6)
     and ($7::text is null or j.business_key = $7)
     and ($8::text is null or l.queue_id = (select q.id from engine.queues q where q.name = $8))
     and ($9::text is null or j.tags @> array[$9])
     and ($6::text is null or $6 not in ('completed', 'cancelled', 'discarded', 'quarantined'))
     and $10::text is null and ($11::uuid is null or j.node = $11)
     and (cardinality($12::uuid[]) = 0 or j.id = any($12))
     and $13::timestamptz is null and $14::timestamptz is null and ($15::uuid is null or j.id > $15)
     -- Where no lane is parked, none of what is unfinished need be looked at.
     and ($6::text is distinct from 'parked' or l.parked_at is not null)
     and ($6::text is distinct from 'parked' or exists (
       select from engine.lanes p where p.tenant_id = $1 and p.parked_at is not null))
   order by j.id desc
   limit $3
), past as (
  select h.id, h.lane, h.state, h.attempt, h.max_attempts, h.created_at, null::timestamptz as run_at,
         h.started_at, h.finished_at, h.business_key, h.tags, case when h.state = 'completed' then 1::real end as progress, h.note, h.attempts,
         h.output, h.error_code, h.node, null::timestamptz as deadline, false as cancelling, h.args, h.trace, h.run_id,
         h.step
    from engine.job_history h
    join engine.lanes l on l.id = h.lane
   where h.tenant_id = $1 and ($2::uuid is null or h.id < $2) and ($4::uuid is null or h.id = $4)
     and ($5::text is null or l.kind = $5) and ($6::text is null or h.state = $6)
     and ($7::text is null or h.business_key = $7)
     and ($8::text is null or l.queue_id = (select q.id from engine.queues q where q.name = $8))
     and ($9::text is null or h.tags @> array[$9])
     and ($6::text is null or $6 in ('completed', 'cancelled', 'discarded', 'quarantined'))
     and ($10::text is null or h.error_code = $10 and h.state <> 'completed') and ($11::uuid is null or h.node = $11)
     and (cardinality($12::uuid[]) = 0 or h.id = any($12))
     and ($13::timestamptz is null or h.finished_at >= $13) and ($14::timestamptz is null or h.finished_at < $14)
     and ($15::uuid is null or h.id > $15)
   order by h.id desc
   limit $3
)
select j.id as "id!", q.name as "queue!", l.kind as "kind!", l.version as "version!", j.state as "state!",
       l.priority as "priority!", j.attempt as "attempt!", j.max_attempts as "max_attempts!",
       j.created_at as "created_at!", j.run_at, j.started_at, j.finished_at, j.business_key,
       coalesce(j.tags, '{}') as "tags!", j.progress, j.note, coalesce(j.attempts, '[]') as "attempts!",
       j.output, j.error_code, j.node, j.deadline, j.cancelling as "cancelling!",
       l.isolated as "suspect!", l.paused_at, j.args as "args!", j.trace, j.run_id,
       j.step
  from (select * from live union all select * from past) j
  join engine.lanes l on l.id = j.lane
  join engine.queues q on q.id = l.queue_id
 order by j.id desc
 limit $3
