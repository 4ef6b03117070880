-- A tenant's account at a provider. Its credentials are sealed with the tenant's key and never shown again.
create table providers (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  kind text not null,
  channel text not null
    constraint providers_channel check (channel in ('email', 'sms', 'whatsapp', 'slack', 'push')),
  credentials_sealed bytea not null,
  -- What the address of its callbacks ends in, hashed; none until somebody asked for one.
  callback_hash bytea,
  version bigint not null default 1,
  -- Grows with its credentials alone: what an attempt under others has left cannot be asked about with these.
  credentials_version bigint not null default 1,
  -- 1 is asked first.
  priority smallint not null default 1 constraint providers_priority check (priority between 1 and 100),
  on_unknown text not null default 'hold' constraint providers_on_unknown check (on_unknown in ('hold', 'resend')),
  -- Messages a second, and at a time, that it may be handed; none for no limit of ours.
  rate_per_s double precision constraint providers_rate check (rate_per_s > 0 and rate_per_s <= 10000),
  max_running int constraint providers_max_running check (max_running between 1 and 10000),
  created_at timestamptz not null default clock_timestamp(),
  -- Nothing is handed to it: by hand, or because it said that the account is at fault.
  paused_at timestamptz,
  pause_code text,
  -- It asked for patience: nothing is handed to it before.
  throttled_until timestamptz,
  verified_at timestamptz,
  deleted_at timestamptz,
  constraint providers_pkey primary key (tenant_id, id),
  constraint providers_pause check ((paused_at is null) = (pause_code is null))
) with (fillfactor = 70);
create unique index providers_name_key on providers (tenant_id, name) where deleted_at is null;
create unique index providers_callback_idx on providers (callback_hash) where callback_hash is not null;
call engine.wall('providers');
grant select, insert, update on providers to switchboard_app, switchboard_system;

-- What is said, in one locale. A version is never changed; the newest of a name and locale is the one in use.
create table templates (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  channel text not null
    constraint templates_channel check (channel in ('email', 'sms', 'whatsapp', 'slack', 'push')),
  locale text not null default '',
  version int not null default 1,
  subject text,
  text text not null,
  html text,
  -- What only the channel has: the name of a WhatsApp template, the data of a push.
  extra jsonb,
  created_at timestamptz not null default clock_timestamp(),
  -- Set on all versions of a name at once: it is not offered any more.
  archived_at timestamptz,
  constraint templates_pkey primary key (tenant_id, id),
  constraint templates_name_key unique (tenant_id, name, locale, version)
);
call engine.wall('templates');
grant select, insert, update (archived_at) on templates to switchboard_app, switchboard_system;

-- A message decides whether it may be sent; its job only hints. `fence` grows with each attempt.
create table messages (
  tenant_id uuid not null references tenants,
  id uuid not null,
  subject_id uuid not null,
  lead_id uuid,
  -- Whom it is handed to, or was last; none before the first attempt of one that any may carry.
  provider_id uuid,
  template_id uuid not null,
  job_id uuid,
  -- The run of a workflow that wrote it, if one did: where the run is stopped it is not sent any more.
  run_id uuid,
  channel text not null,
  purpose text not null default 'transactional'
    constraint messages_purpose check (purpose in ('transactional', 'marketing')),
  status text not null constraint messages_status check (status in ('pending', 'queued', 'sending', 'sent',
    'delivered', 'read', 'failed', 'bounced', 'suppressed', 'cancelled', 'unknown')),
  -- Only this provider may carry it.
  pinned boolean not null default true,
  -- Providers that have surely not taken it since it last waited.
  tried uuid[] not null default '{}',
  fence bigint not null default 0,
  lease_until timestamptz,
  send_at timestamptz,
  -- Not worth sending after it.
  expires_at timestamptz,
  -- When the provider took it.
  sent_at timestamptz,
  updated_at timestamptz not null default engine.now(),
  created_at timestamptz not null default engine.now(),
  to_sealed bytea not null,
  to_index bytea not null,
  vars_sealed bytea not null,
  provider_message_id text,
  -- Of what kind the failure is: permanent, transient, account, ambiguous, gate.
  failure text,
  error_code text,
  error_text text,
  constraint messages_pkey primary key (tenant_id, id),
  constraint messages_provider_fkey foreign key (tenant_id, provider_id) references providers (tenant_id, id),
  constraint messages_template_fkey foreign key (tenant_id, template_id) references templates (tenant_id, id)
) with (fillfactor = 70);
create index messages_lease_idx on messages (lease_until) where status = 'sending';
create index messages_run_idx on messages (tenant_id, run_id) where run_id is not null;
create index messages_lead_idx on messages (tenant_id, lead_id) where lead_id is not null;
-- Found by whom they are to; and by what the provider calls them, for callbacks.
create index messages_to_idx on messages (tenant_id, to_index, id);
create index messages_provider_message_idx on messages (tenant_id, provider_id, provider_message_id)
  where provider_message_id is not null;
create index messages_status_idx on messages (tenant_id, status, id)
  where status in ('queued', 'unknown', 'failed', 'bounced', 'suppressed');
call engine.wall('messages');
grant select, insert, update on messages to switchboard_app, switchboard_system;

create table message_attempts (
  tenant_id uuid not null,
  message_id uuid not null,
  fence bigint not null,
  provider_id uuid not null,
  provider_key text not null,
  -- Of the account's credentials, as the attempt had them.
  credentials_version bigint not null,
  started_at timestamptz not null default engine.now(),
  ended_at timestamptz,
  outcome text,
  code text,
  text text,
  request_hash bytea not null,
  request_sealed bytea not null,
  constraint message_attempts_pkey primary key (tenant_id, message_id, fence),
  constraint message_attempts_message_fkey foreign key (tenant_id, message_id) references messages (tenant_id, id)
);
call engine.wall('message_attempts');
grant select, insert, update on message_attempts to switchboard_app, switchboard_system;

-- What the sandbox provider delivered.
create table sandbox_outbox (
  tenant_id uuid not null references tenants,
  id uuid not null,
  message_id uuid not null,
  provider_id uuid not null,
  received_at timestamptz not null default engine.now(),
  content_sealed bytea not null,
  subject_id uuid not null,
  constraint sandbox_outbox_pkey primary key (tenant_id, id)
);
create index sandbox_outbox_message_idx on sandbox_outbox (tenant_id, message_id);
call engine.wall('sandbox_outbox');
grant select, insert on sandbox_outbox to switchboard_app, switchboard_system;
