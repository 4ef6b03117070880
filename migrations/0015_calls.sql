-- Phone systems that tell of calls by signed webhooks.
create table call_sources (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  -- Whose agents take its calls that nothing else says a team of.
  default_team_id uuid,
  -- Of the token in the address that they call.
  token_hash bytea not null,
  secret_sealed bytea not null,
  -- The secret before, and until when it is good as well. Of several that are replaced meanwhile it is the first.
  former_secret_sealed bytea,
  former_until timestamptz,
  -- When the secret was replaced last.
  rotated_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  -- One that is gone stays for its calls.
  retired_at timestamptz,
  constraint call_sources_pkey primary key (tenant_id, id),
  constraint call_sources_token_key unique (tenant_id, token_hash),
  constraint call_sources_team_fkey foreign key (tenant_id, default_team_id) references teams (tenant_id, id),
  constraint call_sources_former check (num_nulls(former_secret_sealed, former_until, rotated_at) in (0, 3))
);
create unique index call_sources_name_key on call_sources (tenant_id, name) where retired_at is null;
call engine.wall('call_sources');
grant select, insert, update on call_sources to switchboard_app, switchboard_system;

-- Which webhooks were taken in, so that one that is sent again changes nothing. Upkeep drops old ones.
create table call_deliveries (
  tenant_id uuid not null,
  source_id uuid not null,
  webhook_id text not null,
  at timestamptz not null default engine.now(),
  constraint call_deliveries_pkey primary key (tenant_id, source_id, webhook_id),
  constraint call_deliveries_source_fkey foreign key (tenant_id, source_id) references call_sources (tenant_id, id)
);
create index call_deliveries_at_idx on call_deliveries (tenant_id, at);
call engine.wall('call_deliveries');
grant select, insert on call_deliveries to switchboard_app, switchboard_system;
grant delete on call_deliveries to switchboard_system;

create table calls (
  tenant_id uuid not null references tenants,
  id uuid not null,
  direction text not null constraint calls_direction check (direction in ('inbound', 'outbound')),
  status text not null constraint calls_status check (status in ('queued', 'ringing', 'answered', 'ended', 'missed', 'abandoned')),
  lead_id uuid,
  agent_id uuid,
  team_id uuid,
  source_id uuid,
  -- What the phone system calls it.
  external_id text,
  -- Whose key number, notes and recording are sealed under: the lead's, or one of the call's own.
  subject_id uuid not null,
  number_sealed bytea not null,
  number_index bytea not null,
  outcome text constraint calls_outcome check (outcome in ('converted', 'interested', 'callback', 'not_interested',
    'voicemail', 'no_answer', 'busy', 'wrong_number', 'other', 'abandoned', 'no_team', 'lost')),
  satisfaction smallint constraint calls_satisfaction check (satisfaction between 1 and 5),
  notes_sealed bytea,
  recording_sealed bytea,
  value_cents bigint constraint calls_value check (value_cents >= 0),
  started_at timestamptz not null,
  ringing_at timestamptz,
  answered_at timestamptz,
  -- Since when it is its agent who talks: of one that was put through, later than it was answered.
  talks_since timestamptz,
  ended_at timestamptz,
  disposed_at timestamptz,
  -- Until when it rings at its agent before it goes on to another; none where whoever rings it says that.
  ring_until timestamptz,
  -- When it came into the queue it waits in; `started_at` says since when it waits.
  entered_at timestamptz not null,
  -- The teams whose queues it has left for another's: overflow brings it into none of them again.
  passed uuid[] not null default '{}',
  -- When it was told that it waits too long.
  overdue_at timestamptz,
  version bigint not null default 1,
  constraint calls_pkey primary key (tenant_id, id),
  constraint calls_external_key unique (tenant_id, source_id, external_id),
  constraint calls_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete set null (lead_id),
  constraint calls_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint calls_team_fkey foreign key (tenant_id, team_id) references teams (tenant_id, id),
  constraint calls_source_fkey foreign key (tenant_id, source_id) references call_sources (tenant_id, id),
  constraint calls_external check ((source_id is null) = (external_id is null)),
  constraint calls_ended check ((status in ('ended', 'missed', 'abandoned')) = (ended_at is not null)),
  constraint calls_disposed check ((outcome is null) = (disposed_at is null)),
  constraint calls_ring check (ring_until is null or status = 'ringing')
) with (fillfactor = 80);
create index calls_lead_idx on calls (tenant_id, lead_id, id) where lead_id is not null;
create index calls_agent_idx on calls (tenant_id, agent_id, id) where agent_id is not null;
create index calls_team_idx on calls (tenant_id, team_id, id) where team_id is not null;
create index calls_number_idx on calls (tenant_id, number_index, id);
create index calls_started_idx on calls (tenant_id, started_at);
-- Who waits in the queue of a team, and whom agents are busy with.
create index calls_queued_idx on calls (tenant_id, team_id, started_at, id)
  where status = 'queued' and direction = 'inbound' and team_id is not null;
create index calls_live_idx on calls (tenant_id, agent_id) where status in ('ringing', 'answered');
-- What is not over, of which nothing may have been heard for long.
create index calls_open_idx on calls (tenant_id, started_at) where status in ('queued', 'ringing', 'answered');
-- The same as a list, the newest first.
create index calls_going_on_idx on calls (tenant_id, id) where status in ('queued', 'ringing', 'answered');
-- How soon the incoming calls of a team were answered.
create index calls_level_idx on calls (tenant_id, team_id, started_at)
  where direction = 'inbound' and team_id is not null;
call engine.wall('calls');
grant select, insert, update on calls to switchboard_app, switchboard_system;

-- At whom a call rang until it went on to somebody else: they are not asked again for a while.
create table call_misses (
  tenant_id uuid not null,
  call_id uuid not null,
  agent_id uuid not null,
  at timestamptz not null default engine.now(),
  constraint call_misses_pkey primary key (tenant_id, call_id, agent_id, at),
  constraint call_misses_call_fkey foreign key (tenant_id, call_id) references calls (tenant_id, id),
  constraint call_misses_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
create index call_misses_agent_idx on call_misses (tenant_id, agent_id, at);
call engine.wall('call_misses');
grant select, insert on call_misses to switchboard_app, switchboard_system;
