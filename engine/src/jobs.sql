-- $1 tenant, $2 ids below, $3 limit, $4 id, $5 kind, $6 state, $7 business key
with live as (
  select j.id, j.queue_id, j.kind, s.state, j.priority, j.attempt, j.max_attempts, j.created_at,
         j.run_at, j.started_at, null::timestamptz as finished_at, j.business_key, j.tags, j.progress,
         j.note, j.attempts, null::jsonb as output
    from engine.jobs j
   cross join lateral (
     select case
       when j.parked_at is not null then 'parked'
       when j.node is not null then 'running'
       when j.attempt > 0 then 'retrying'
       when j.run_at > engine.now() then 'scheduled'
       else 'available' end as state
   ) s
   where j.tenant_id = $1 and ($2::uuid is null or j.id < $2) and ($4::uuid is null or j.id = $4)
     and ($5::text is null or j.kind = $5) and ($6::text is null or s.state = $6)
     and ($7::text is null or j.business_key = $7)
   order by j.id desc
   limit $3
), past as (
  select h.id, h.queue_id, h.kind, h.state, h.priority, h.attempt, h.max_attempts, h.created_at,
         null::timestamptz as run_at, h.started_at, h.finished_at, h.business_key, h.tags, 1::real as progress,
         h.note, h.attempts, h.output
    from engine.job_history h
   where h.tenant_id = $1 and ($2::uuid is null or h.id < $2) and ($4::uuid is null or h.id = $4)
     and ($5::text is null or h.kind = $5) and ($6::text is null or h.state = $6)
     and ($7::text is null or h.business_key = $7)
   order by h.id desc
   limit $3
)
select j.id as "id!", q.name as "queue!", j.kind as "kind!", j.state as "state!", j.priority as "priority!",
       j.attempt as "attempt!", j.max_attempts as "max_attempts!", j.created_at as "created_at!",
       j.run_at, j.started_at, j.finished_at, j.business_key, j.tags as "tags!", j.progress, j.note,
       j.attempts as "attempts!", j.output
  from (select * from live union all select * from past) j
  join engine.queues q on q.id = j.queue_id
 order by j.id desc
 limit $3
