-- Servers outside that are told by signed webhooks what happens (domain/src/webhooks).
create table webhook_endpoints (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  -- It may hold a token.
  url_sealed bytea not null,
  -- The types of events that it is told of, as the log names them.
  types text[] not null constraint webhook_endpoints_types check (cardinality(types) > 0),
  secret_sealed bytea not null,
  -- The secret before, and until when is signed by it as well. Of several that are replaced meanwhile it is the first.
  former_secret_sealed bytea,
  former_until timestamptz,
  -- When the secret was replaced last.
  rotated_at timestamptz,
  -- Up to this place of the tenant's sequence the log was read for it.
  from_sequence bigint not null,
  -- Since when no delivery has succeeded, if the last one has not.
  failing_since timestamptz,
  disabled_at timestamptz,
  disabled_why text constraint webhook_endpoints_why check (disabled_why in ('by_hand', 'gone', 'failing')),
  -- The newest part of the log that was not read for it: from the first place to the last.
  gap_from bigint,
  gap_to bigint,
  gap_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  -- One that is gone stays for its deliveries.
  retired_at timestamptz,
  constraint webhook_endpoints_pkey primary key (tenant_id, id),
  constraint webhook_endpoints_former check (num_nulls(former_secret_sealed, former_until, rotated_at) in (0, 3)),
  constraint webhook_endpoints_disabled check ((disabled_at is null) = (disabled_why is null)),
  constraint webhook_endpoints_gap check (num_nulls(gap_from, gap_to, gap_at) in (0, 3))
) with (fillfactor = 70);
create unique index webhook_endpoints_name_key on webhook_endpoints (tenant_id, name) where retired_at is null;
-- For whom the log is read, over all tenants.
create index webhook_endpoints_live_idx on webhook_endpoints (tenant_id, id)
  where disabled_at is null and retired_at is null;
call engine.wall('webhook_endpoints');
grant select, insert, update on webhook_endpoints to switchboard_app, switchboard_system;

-- One event on its way to one endpoint: a row for all its attempts, also those of a replay. Upkeep drops old ones.
create table webhook_deliveries (
  tenant_id uuid not null,
  id uuid not null,
  endpoint_id uuid not null,
  -- The event's place in the tenant's sequence; none of a test, which stands in no log.
  sequence bigint,
  type text not null,
  state text not null default 'pending'
    constraint webhook_deliveries_state check (state in ('pending', 'succeeded', 'failed', 'cancelled')),
  -- All there were, and those since it was made or replayed.
  attempts int not null default 0,
  tries smallint not null default 0,
  -- The job that delivers it; another one that comes late has no say any more.
  job_id uuid not null,
  -- What the last attempt came to.
  status_code smallint,
  error_code text,
  error_text text constraint webhook_deliveries_text check (char_length(error_text) <= 200),
  next_at timestamptz,
  created_at timestamptz not null default engine.now(),
  -- From when on it is kept: when it was made, or replayed last.
  kept_from timestamptz not null default engine.now(),
  ended_at timestamptz,
  constraint webhook_deliveries_pkey primary key (tenant_id, id),
  constraint webhook_deliveries_event_key unique (tenant_id, endpoint_id, sequence),
  constraint webhook_deliveries_endpoint_fkey foreign key (tenant_id, endpoint_id)
    references webhook_endpoints (tenant_id, id),
  constraint webhook_deliveries_ended check ((state = 'pending') = (ended_at is null))
);
create index webhook_deliveries_endpoint_idx on webhook_deliveries (tenant_id, endpoint_id, id);
create index webhook_deliveries_state_idx on webhook_deliveries (tenant_id, state, id);
create index webhook_deliveries_kept_idx on webhook_deliveries (tenant_id, kept_from);
-- How many wait.
create index webhook_deliveries_pending_idx on webhook_deliveries (tenant_id, endpoint_id) where state = 'pending';
call engine.wall('webhook_deliveries');
grant select, insert, update on webhook_deliveries to switchboard_app, switchboard_system;
grant delete on webhook_deliveries to switchboard_system;

create table webhook_attempts (
  tenant_id uuid not null,
  delivery_id uuid not null,
  -- 1 is the first.
  number int not null,
  at timestamptz not null default engine.now(),
  took_ms int not null,
  status_code smallint,
  error_code text,
  error_text text constraint webhook_attempts_text check (char_length(error_text) <= 200),
  constraint webhook_attempts_pkey primary key (tenant_id, delivery_id, number),
  constraint webhook_attempts_delivery_fkey foreign key (tenant_id, delivery_id)
    references webhook_deliveries (tenant_id, id) on delete cascade
);
call engine.wall('webhook_attempts');
grant select, insert on webhook_attempts to switchboard_app, switchboard_system;
grant delete on webhook_attempts to switchboard_system;
