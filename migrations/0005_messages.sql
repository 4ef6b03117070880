create table providers (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  kind text not null,
  channel text not null,
  credentials_sealed bytea not null,
  version bigint not null default 1,
  priority smallint not null default 1,
  on_unknown text not null default 'hold' constraint providers_on_unknown check (on_unknown in ('hold', 'resend')),
  created_at timestamptz not null default clock_timestamp(),
  paused_at timestamptz,
  constraint providers_pkey primary key (tenant_id, id),
  constraint providers_name_key unique (tenant_id, name)
);
call engine.wall('providers');
grant select, insert, update on providers to switchboard_app, switchboard_system;

create table templates (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  channel text not null,
  version int not null default 1,
  subject text,
  text text not null,
  html text,
  created_at timestamptz not null default clock_timestamp(),
  constraint templates_pkey primary key (tenant_id, id),
  constraint templates_name_key unique (tenant_id, name, version)
);
call engine.wall('templates');
grant select, insert on templates to switchboard_app, switchboard_system;

-- A message decides whether it may be sent; its job only hints. `fence` grows with each attempt.
create table messages (
  tenant_id uuid not null references tenants,
  id uuid not null,
  subject_id uuid not null,
  lead_id uuid,
  provider_id uuid not null,
  template_id uuid not null,
  job_id uuid,
  channel text not null,
  status text not null constraint messages_status check (status in ('pending', 'queued', 'sending', 'sent',
    'delivered', 'read', 'failed', 'bounced', 'suppressed', 'cancelled', 'unknown')),
  fence bigint not null default 0,
  lease_until timestamptz,
  sent_at timestamptz,
  updated_at timestamptz not null default engine.now(),
  created_at timestamptz not null default engine.now(),
  to_sealed bytea not null,
  to_index bytea not null,
  vars_sealed bytea not null,
  provider_message_id text,
  error_code text,
  error_text text,
  constraint messages_pkey primary key (tenant_id, id),
  constraint messages_provider_fkey foreign key (tenant_id, provider_id) references providers (tenant_id, id),
  constraint messages_template_fkey foreign key (tenant_id, template_id) references templates (tenant_id, id)
) with (fillfactor = 70);
create index messages_lease_idx on messages (lease_until) where status = 'sending';
create index messages_lead_idx on messages (tenant_id, lead_id) where lead_id is not null;
call engine.wall('messages');
grant select, insert, update on messages to switchboard_app, switchboard_system;

create table message_attempts (
  tenant_id uuid not null,
  message_id uuid not null,
  fence bigint not null,
  provider_id uuid not null,
  provider_key text not null,
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
