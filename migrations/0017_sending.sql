-- What a tenant lets be sent when: quiet hours, how often, what it asks consent for. No row means the product's own.
create table message_policies (
  tenant_id uuid not null references tenants,
  policy jsonb not null,
  version bigint not null default 1,
  updated_at timestamptz not null default engine.now(),
  constraint message_policies_pkey primary key (tenant_id)
);
call engine.wall('message_policies');
grant select, insert, update on message_policies to switchboard_app, switchboard_system;

-- Nobody writes to these addresses: all messages of the channel, or only marketing.
create table suppressions (
  tenant_id uuid not null references tenants,
  id uuid not null,
  channel text not null
    constraint suppressions_channel check (channel in ('email', 'sms', 'whatsapp', 'slack', 'push')),
  scope text not null constraint suppressions_scope check (scope in ('all', 'marketing')),
  reason text not null constraint suppressions_reason
    check (reason in ('stop', 'bounce', 'complaint', 'unsubscribe', 'provider', 'manual')),
  -- The message that it came of.
  message_id uuid,
  subject_id uuid not null,
  to_index bytea not null,
  to_sealed bytea not null,
  created_at timestamptz not null default engine.now(),
  constraint suppressions_pkey primary key (tenant_id, id),
  constraint suppressions_to_key unique (tenant_id, to_index, channel, scope)
);
call engine.wall('suppressions');
grant select, insert, update, delete on suppressions to switchboard_app, switchboard_system;

-- What a person has agreed to last, by lead or by address; its history is the privacy capability's.
create table consents (
  tenant_id uuid not null references tenants,
  id uuid not null,
  lead_id uuid,
  to_index bytea,
  channel text not null
    constraint consents_channel check (channel in ('email', 'sms', 'whatsapp', 'slack', 'push')),
  purpose text not null constraint consents_purpose check (purpose in ('transactional', 'marketing')),
  granted boolean not null,
  -- Where it was said: a form, a call, an import.
  source text not null,
  -- What the person was told, in the words used.
  wording text,
  version bigint not null default 1,
  said_at timestamptz not null default engine.now(),
  recorded_at timestamptz not null default engine.now(),
  constraint consents_pkey primary key (tenant_id, id),
  constraint consents_whose check ((lead_id is null) <> (to_index is null))
);
create unique index consents_lead_key on consents (tenant_id, lead_id, channel, purpose) where lead_id is not null;
create unique index consents_to_key on consents (tenant_id, to_index, channel, purpose) where to_index is not null;
call engine.wall('consents');
grant select, insert, update, delete on consents to switchboard_app, switchboard_system;

-- What providers told us, each thing once. What belongs to no message yet waits for one that gets its id.
create table message_callbacks (
  tenant_id uuid not null references tenants,
  id uuid not null,
  provider_id uuid not null,
  -- What makes it the same thing when it is told again.
  dedupe text not null,
  provider_message_id text,
  -- The message it is about, once that is known.
  message_id uuid,
  status text not null,
  failure text,
  code text,
  -- When the provider says that it happened.
  happened_at timestamptz,
  received_at timestamptz not null default engine.now(),
  constraint message_callbacks_pkey primary key (tenant_id, id),
  constraint message_callbacks_dedupe_key unique (tenant_id, provider_id, dedupe),
  constraint message_callbacks_provider_fkey foreign key (tenant_id, provider_id) references providers (tenant_id, id)
);
create index message_callbacks_waiting_idx on message_callbacks (tenant_id, provider_id, provider_message_id)
  where message_id is null;
create index message_callbacks_message_idx on message_callbacks (tenant_id, message_id) where message_id is not null;
create index message_callbacks_received_idx on message_callbacks (received_at);
call engine.wall('message_callbacks');
grant select, insert, update, delete on message_callbacks to switchboard_app, switchboard_system;

-- What people wrote to a tenant's numbers.
create table inbound_messages (
  tenant_id uuid not null references tenants,
  id uuid not null,
  provider_id uuid not null,
  channel text not null,
  provider_message_id text not null,
  lead_id uuid,
  subject_id uuid not null,
  -- stop, start, help; none for anything else.
  keyword text,
  from_index bytea not null,
  from_sealed bytea not null,
  body_sealed bytea not null,
  received_at timestamptz not null default engine.now(),
  constraint inbound_messages_pkey primary key (tenant_id, id),
  constraint inbound_messages_provider_key unique (tenant_id, provider_id, provider_message_id),
  constraint inbound_messages_provider_fkey foreign key (tenant_id, provider_id) references providers (tenant_id, id)
);
create index inbound_messages_from_idx on inbound_messages (tenant_id, from_index, id);
create index inbound_messages_lead_idx on inbound_messages (tenant_id, lead_id) where lead_id is not null;
-- Which leads have written since a campaign began.
create index inbound_messages_received_idx on inbound_messages (tenant_id, received_at) where lead_id is not null;
call engine.wall('inbound_messages');
grant select, insert, update on inbound_messages to switchboard_app, switchboard_system;

-- How many messages have come to which status, by the hour in which each was accepted by us: what is read for figures.
-- Written as differences beside what changed, so that no two senders wait for one another; upkeep adds them up.
create table message_counts (
  tenant_id uuid not null references tenants,
  hour timestamptz not null,
  channel text not null,
  provider_id uuid,
  template_id uuid not null,
  purpose text not null,
  status text not null,
  failure text,
  code text,
  n bigint not null
);
create unique index message_counts_key on message_counts
  (tenant_id, hour, channel, template_id, purpose, status, provider_id, failure, code) nulls not distinct;
call engine.wall('message_counts');
grant select, insert, update, delete on message_counts to switchboard_app, switchboard_system;

create table message_count_changes (
  tenant_id uuid not null references tenants,
  id bigint generated always as identity,
  hour timestamptz not null,
  channel text not null,
  provider_id uuid,
  template_id uuid not null,
  purpose text not null,
  status text not null,
  failure text,
  code text,
  n bigint not null,
  constraint message_count_changes_pkey primary key (tenant_id, id)
);
call engine.wall('message_count_changes');
grant select, insert, update, delete on message_count_changes to switchboard_app, switchboard_system;

create function count_new_messages() returns trigger language plpgsql as $$
begin
  insert into message_count_changes (tenant_id, hour, channel, provider_id, template_id, purpose, status, failure, code, n)
  select tenant_id, date_trunc('hour', created_at, 'UTC'), channel, provider_id, template_id, purpose, status, failure,
         error_code, count(*)
    from fresh
   group by 1, 2, 3, 4, 5, 6, 7, 8, 9;
  return null;
end $$;
create trigger messages_counted_new after insert on messages
  referencing new table as fresh for each statement execute function count_new_messages();

create function count_changed_messages() returns trigger language plpgsql as $$
begin
  insert into message_count_changes (tenant_id, hour, channel, provider_id, template_id, purpose, status, failure, code, n)
  select tenant_id, hour, channel, provider_id, template_id, purpose, status, failure, error_code, sum(n)
    from (select tenant_id, date_trunc('hour', created_at, 'UTC') as hour, channel, provider_id, template_id, purpose,
                 status, failure, error_code, 1 as n
            from fresh
           union all
          select tenant_id, date_trunc('hour', created_at, 'UTC'), channel, provider_id, template_id, purpose,
                 status, failure, error_code, -1
            from former) both_sides
   group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  having sum(n) <> 0;
  return null;
end $$;
create trigger messages_counted_changed after update on messages
  referencing old table as former new table as fresh for each statement execute function count_changed_messages();
