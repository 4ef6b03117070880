-- What is sent to many: what people have asked for, and how far it has come.
create table campaigns (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  status text not null default 'draft' constraint campaigns_status
    check (status in ('draft', 'awaiting_approval', 'scheduled', 'running', 'paused', 'finished', 'cancelled', 'failed')),
  definition jsonb not null,
  -- Whom it is to: ids, words of ours and keyed hashes; and what people are shown of that.
  audience jsonb not null,
  audience_told jsonb not null,
  -- Of one that is to whoever fits when it is scheduled: leads older than this, how far they were looked at, and when all
  -- of them had been.
  taken_before uuid,
  taken_cursor uuid,
  taken_at timestamptz,
  -- What begins it.
  schedule_id uuid,
  approved_by uuid,
  approved_at timestamptz,
  -- The versions of its templates that somebody agreed to.
  approved_templates jsonb,
  pause_code text,
  created_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  updated_at timestamptz not null default engine.now(),
  constraint campaigns_pkey primary key (tenant_id, id)
) with (fillfactor = 70);
-- Those that wait for their time, of all tenants: upkeep looks among them for those whose time is not to come any more.
create index campaigns_scheduled_idx on campaigns (tenant_id, id) where status = 'scheduled';
call engine.wall('campaigns');
grant select, insert, update on campaigns to switchboard_app, switchboard_system;

-- Whoever fitted when the campaign was scheduled, and `taken_before` as it was then: what was taken down before a change of the
-- campaign counts no more. Upkeep removes that, and what campaigns leave that are over.
create table campaign_audience (
  tenant_id uuid not null,
  campaign_id uuid not null,
  taken_before uuid not null,
  lead_id uuid not null,
  constraint campaign_audience_pkey primary key (tenant_id, campaign_id, taken_before, lead_id)
);
call engine.wall('campaign_audience');
grant select, insert, delete on campaign_audience to switchboard_app, switchboard_system;

-- One sending of a campaign. Its id is that of the workflow's run that carries it out.
create table campaign_runs (
  tenant_id uuid not null,
  id uuid not null,
  campaign_id uuid not null,
  status text not null constraint campaign_runs_status
    check (status in ('planning', 'running', 'paused', 'stopping', 'finished', 'cancelled', 'failed')),
  -- The time that it was for, which may be long before it began.
  due_at timestamptz not null,
  -- The same as a clock on the wall, where each recipient's own clock counts.
  due_local timestamp,
  -- The campaign as it was then, with the versions of its templates.
  frozen jsonb not null,
  -- Where planning has come to: among leads, and then among those of its audience who are none any more; and when it had come
  -- to the end.
  cursor uuid,
  gone_cursor uuid,
  planned_at timestamptz,
  -- When the last recipient of the first wave was handed over.
  sampled_at timestamptz,
  -- Which variant the second wave gets, and why; before, how it was looked at the first.
  winner smallint,
  winner_why jsonb,
  decided_at timestamptz,
  looks jsonb not null default 'null',
  -- Messages that may be made now under its rate, as of an instant.
  tokens double precision not null default 0,
  refilled_at timestamptz,
  -- What the breaker remembers.
  breaker jsonb not null default 'null',
  -- When people were told last how far it is, and of how many recipients that nothing is to be done for any more.
  told_at timestamptz,
  told bigint not null default 0,
  pause_code text,
  -- Why it broke.
  broke text,
  report jsonb,
  started_at timestamptz not null default engine.now(),
  finished_at timestamptz,
  constraint campaign_runs_pkey primary key (tenant_id, id),
  constraint campaign_runs_campaign_fkey foreign key (tenant_id, campaign_id) references campaigns (tenant_id, id)
) with (fillfactor = 50);
create index campaign_runs_campaign_idx on campaign_runs (tenant_id, campaign_id, id);
create index campaign_runs_open_idx on campaign_runs (tenant_id, id) where finished_at is null;
call engine.wall('campaign_runs');
grant select, insert, update on campaign_runs to switchboard_app, switchboard_system;

-- One for each lead that a run is to: nobody is missed who has a row, and nobody gets two messages who has one. No foreign
-- keys: a million rows are written in one go, by whoever holds the run, and a lead may go while its row stays. No column of
-- an index changes while a message goes its way, so these steps are HOT: `due_at` is there until a message was made, and
-- `reason` only where something was amiss.
create table campaign_recipients (
  tenant_id uuid not null,
  run_id uuid not null,
  lead_id uuid not null,
  -- 1 waits for the winner of those that are 0.
  wave smallint not null default 0,
  -- None until it is known.
  variant smallint,
  channel text,
  -- What is tried after it, in this order.
  rest text[],
  -- Where the recipient's clock is, if that counts.
  zone text,
  status text not null constraint campaign_recipients_status
    check (status in ('planned', 'queued', 'sent', 'delivered', 'read', 'failed', 'bounced', 'suppressed', 'cancelled',
                      'unknown', 'skipped')),
  reason text,
  message_id uuid,
  -- How many parts its message is billed as, and whether a provider has surely taken it: then they are paid for, whatever
  -- becomes of it.
  segments smallint not null default 1,
  taken boolean not null default false,
  -- When the message is to be made; none once it was, or will not be.
  due_at timestamptz,
  -- Later than this it is too late, where that is not told by `due_at`: it was put off.
  expires_at timestamptz,
  updated_at timestamptz not null default engine.now(),
  constraint campaign_recipients_pkey primary key (tenant_id, run_id, lead_id)
) with (fillfactor = 75);
create index campaign_recipients_due_idx on campaign_recipients (tenant_id, run_id, wave, due_at, lead_id)
  where due_at is not null;
create index campaign_recipients_reason_idx on campaign_recipients (tenant_id, run_id, lead_id)
  where reason is not null;
call engine.wall('campaign_recipients');
grant select, insert, update on campaign_recipients to switchboard_app, switchboard_system;

-- How many recipients are where, and how many parts of messages are billed there: what is read for progress and for the
-- budget. Written as differences beside what changed, so that no two senders wait for one another; whoever minds the run adds
-- them up.
create table campaign_counts (
  tenant_id uuid not null,
  run_id uuid not null,
  variant smallint,
  channel text,
  status text not null,
  n bigint not null,
  parts bigint not null
);
create unique index campaign_counts_key on campaign_counts (tenant_id, run_id, status, variant, channel)
  nulls not distinct;
call engine.wall('campaign_counts');
grant select, insert, update, delete on campaign_counts to switchboard_app, switchboard_system;

create table campaign_count_changes (
  tenant_id uuid not null,
  run_id uuid not null,
  id bigint generated always as identity,
  variant smallint,
  channel text,
  status text not null,
  n bigint not null,
  parts bigint not null,
  constraint campaign_count_changes_pkey primary key (tenant_id, run_id, id)
);
call engine.wall('campaign_count_changes');
grant select, insert, update, delete on campaign_count_changes to switchboard_app, switchboard_system;

-- How many parts of a recipient's message are paid for, or may have to be: of one that waits they are set aside, and of one in
-- doubt taken for paid.
create function campaign_parts(status text, taken boolean, segments smallint) returns int
  language sql immutable parallel safe
  return case when taken or status in ('queued', 'unknown') then segments else 0 end;

create function count_new_recipients() returns trigger language plpgsql as $$
begin
  insert into campaign_count_changes (tenant_id, run_id, variant, channel, status, n, parts)
  select tenant_id, run_id, variant, channel, status, count(*), sum(campaign_parts(status, taken, segments))
    from fresh group by 1, 2, 3, 4, 5;
  return null;
end $$;
create trigger campaign_recipients_counted_new after insert on campaign_recipients
  referencing new table as fresh for each statement execute function count_new_recipients();

create function count_changed_recipients() returns trigger language plpgsql as $$
begin
  insert into campaign_count_changes (tenant_id, run_id, variant, channel, status, n, parts)
  select tenant_id, run_id, variant, channel, status, sum(n), sum(parts)
    from (select tenant_id, run_id, variant, channel, status, 1 as n, campaign_parts(status, taken, segments) as parts
            from fresh
           union all
          select tenant_id, run_id, variant, channel, status, -1, -campaign_parts(status, taken, segments)
            from former) both_sides
   group by 1, 2, 3, 4, 5
  having sum(n) <> 0 or sum(parts) <> 0;
  return null;
end $$;
create trigger campaign_recipients_counted_changed after update on campaign_recipients
  referencing old table as former new table as fresh for each statement execute function count_changed_recipients();

-- Whose message it is, if it is one of a campaign: the run, and the lead as the run knows it, which may have been merged
-- into another since.
alter table messages add column campaign_run_id uuid, add column campaign_lead_id uuid;

-- Moves the recipients of messages that have moved. A message that came to nothing, surely, has the next channel tried as
-- long as the run is open: whoever ends a run holds it for update, so that it is not ended beside this. A message of an
-- earlier channel moves nothing any more. That an attempt goes on is not written down here: it would be one more version
-- of the row for nobody.
create function campaign_messages_moved(
  tenants uuid[], runs uuid[], leads uuid[], messages uuid[], statuses text[], codes text[], takings boolean[]
) returns void
  language plpgsql
  set enable_seqscan = off
  set plan_cache_mode = force_generic_plan as $$
begin
  if statuses && array['failed', 'bounced', 'suppressed'] then
    with sending as materialized (
      select c.tenant_id, c.id from campaign_runs c
       where c.tenant_id = any(tenants) and c.id = any(runs) and c.status in ('planning', 'running', 'paused')
       order by c.id
         for key share
    ), fallen as (
      update campaign_recipients r
         set status = 'planned', reason = null, channel = r.rest[1],
             rest = case when cardinality(r.rest) > 1 then r.rest[2:] end,
             message_id = null, segments = 1, taken = false, due_at = engine.now(), updated_at = engine.now()
        from unnest(tenants, runs, leads, messages, statuses, takings)
             as m (tenant_id, run_id, lead_id, id, status, taken)
        join sending s on s.tenant_id = m.tenant_id and s.id = m.run_id
        join campaign_recipients o
             on o.tenant_id = m.tenant_id and o.run_id = m.run_id and o.lead_id = m.lead_id
       where r.tenant_id = m.tenant_id and r.run_id = m.run_id and r.lead_id = m.lead_id and r.message_id = m.id
         and r.rest is not null and m.status in ('failed', 'bounced', 'suppressed') and r.status <> m.status
      returning r.tenant_id, r.run_id, r.variant, o.channel, m.status as fell,
                case when m.taken or o.taken then o.segments else 0 end as parts
    )
    -- What was tried in vain is counted, and what a provider took before is paid for.
    insert into campaign_count_changes (tenant_id, run_id, variant, channel, status, n, parts)
    select tenant_id, run_id, variant, channel, 'fell_back', count(*), sum(parts) from fallen where fell <> 'suppressed'
     group by 1, 2, 3, 4;
  end if;
  -- A message that is tried again while it is not known what became of it moves nobody back once the run is over: nobody
  -- would be there to end it again.
  if statuses && array['pending', 'queued'] then
    perform from campaign_runs c
      where c.tenant_id = any(tenants) and c.id in (
        select r.run_id from unnest(tenants, runs, leads, messages) as u (tenant_id, run_id, lead_id, id)
          join campaign_recipients r
               on r.tenant_id = u.tenant_id and r.run_id = u.run_id and r.lead_id = u.lead_id and r.message_id = u.id
         where r.status = 'unknown')
      order by c.id
        for key share;
  end if;
  update campaign_recipients r
     set status = m.status, reason = m.reason, taken = r.taken or m.taken, updated_at = engine.now()
    from (select u.tenant_id, u.run_id, u.lead_id, u.id, u.taken,
                 case when u.status in ('pending', 'sending') then 'queued'
                      when u.status = 'cancelled' and u.code = 'too_late' then 'skipped'
                      else u.status end as status,
                 case when u.status in ('failed', 'bounced', 'suppressed', 'cancelled', 'unknown')
                      then coalesce(u.code, u.status) end as reason
            from unnest(tenants, runs, leads, messages, statuses, codes, takings)
                 as u (tenant_id, run_id, lead_id, id, status, code, taken)) m
   where r.tenant_id = m.tenant_id and r.run_id = m.run_id and r.lead_id = m.lead_id and r.message_id = m.id
     and (r.status <> m.status or m.taken and not r.taken)
     and (m.status <> 'queued' or r.status <> 'unknown'
       or exists (select from campaign_runs c
                   where c.tenant_id = r.tenant_id and c.id = r.run_id and c.finished_at is null));
end $$;

-- One look at what has changed is all that a message without a campaign has to do with it.
create function follow_campaign_messages() returns trigger language plpgsql as $$
declare
  moved record;
begin
  select array_agg(tenant_id) as tenants, array_agg(campaign_run_id) as runs, array_agg(campaign_lead_id) as leads,
         array_agg(id) as messages, array_agg(status) as statuses, array_agg(error_code) as codes,
         array_agg(sent_at is not null or status in ('sent', 'delivered', 'read', 'bounced')) as takings
    into moved
    from fresh where campaign_run_id is not null and status <> 'sending';
  if moved.runs is not null then
    perform campaign_messages_moved(
      moved.tenants, moved.runs, moved.leads, moved.messages, moved.statuses, moved.codes, moved.takings);
  end if;
  return null;
end $$;
create trigger messages_of_campaigns after update on messages
  referencing new table as fresh for each statement execute function follow_campaign_messages();

-- Leads that converted after a message of a campaign, and to which of them that is owed: to one. A lead that is merged into
-- another takes its rows along.
create table campaign_conversions (
  tenant_id uuid not null,
  run_id uuid not null,
  lead_id uuid not null,
  variant smallint,
  message_id uuid not null,
  value_cents bigint,
  converted_at timestamptz not null default engine.now(),
  constraint campaign_conversions_pkey primary key (tenant_id, run_id, lead_id),
  constraint campaign_conversions_message_key unique (tenant_id, run_id, message_id)
);
create index campaign_conversions_lead_idx on campaign_conversions (tenant_id, lead_id);
call engine.wall('campaign_conversions');
grant select, insert, update, delete on campaign_conversions to switchboard_app, switchboard_system;
