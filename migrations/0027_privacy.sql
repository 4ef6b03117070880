-- What people ask for about their data, and what they were given.

-- One for each time that somebody asks to see what is held of them (GDPR, articles 15 and 20); `erasures`, `restrictions` and
-- `rectifications` are tables of their own. It holds nothing about the person but an address, where
-- that is all by which they are known, under a key of their own.
create table privacy_requests (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- Whose key seals what is kept for it: a lead's, a user's, or one of the request's own.
  subject_id uuid not null,
  lead_id uuid,
  user_id uuid,
  -- A number or an address that no lead has.
  to_sealed bytea,
  -- `messages.to` of it: by this an erasure finds it.
  to_index bytea,
  to_kind text constraint privacy_requests_to_kind check (to_kind in ('phone', 'email')),
  -- `identity` waits for somebody to say how they know that it is the person.
  status text not null default 'identity'
    constraint privacy_requests_status check (status in ('identity', 'working', 'answered', 'refused')),
  asked_by uuid,
  -- When the person asked, which may be before it was written down: the month counts from then.
  received_at timestamptz not null,
  due_at timestamptz not null,
  -- Two months more, once, and why: the person is told of it (article 12, paragraph 3).
  extended_at timestamptz,
  extension_reason text,
  -- How it was found out that it is the person who asks, in words, with nothing about them.
  identity text,
  identity_by uuid,
  identity_at timestamptz,
  refusal text,
  ended_at timestamptz,
  -- What it came to, in ids and numbers.
  result jsonb,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  constraint privacy_requests_pkey primary key (tenant_id, id),
  constraint privacy_requests_who check (num_nonnulls(lead_id, user_id, to_sealed) = 1),
  constraint privacy_requests_to check ((to_sealed is null) = (to_kind is null)),
  constraint privacy_requests_extended check ((extended_at is null) = (extension_reason is null)),
  constraint privacy_requests_identified check (status in ('identity', 'refused') or identity is not null),
  constraint privacy_requests_refused check ((status = 'refused') = (refusal is not null)),
  constraint privacy_requests_ended check ((status in ('answered', 'refused')) = (ended_at is not null))
);
create index privacy_requests_to_idx on privacy_requests (tenant_id, to_index) where to_index is not null;
create index privacy_requests_subject_idx on privacy_requests (tenant_id, subject_id, id);
-- What is not answered, the most urgent first.
create index privacy_requests_due_idx on privacy_requests (tenant_id, due_at) where ended_at is null;
call engine.wall('privacy_requests');
grant select, insert, update on privacy_requests to switchboard_app, switchboard_system;

-- What was done about a request, by whom and when.
create table privacy_request_steps (
  tenant_id uuid not null,
  id uuid not null,
  request_id uuid not null,
  at timestamptz not null default engine.now(),
  actor_kind text not null,
  actor_id uuid,
  what text not null,
  constraint privacy_request_steps_pkey primary key (tenant_id, id),
  constraint privacy_request_steps_request_fkey foreign key (tenant_id, request_id)
    references privacy_requests (tenant_id, id)
);
create index privacy_request_steps_request_idx on privacy_request_steps (tenant_id, request_id, id);
call engine.wall('privacy_request_steps');
grant select, insert on privacy_request_steps to switchboard_app, switchboard_system;

-- A file with all that is held of somebody. It lies in storage, sealed under a key of its own, which lies here under that of
-- the person: erasing them leaves nothing of it that can be read.
create table privacy_exports (
  tenant_id uuid not null,
  id uuid not null,
  request_id uuid not null,
  subject_id uuid not null,
  state text not null default 'writing'
    constraint privacy_exports_state check (state in ('writing', 'ready', 'gone')),
  -- The workflow that makes it.
  run_id uuid not null,
  -- Its name in storage.
  file text,
  key_sealed bytea,
  -- Of the archive as the person gets it.
  bytes bigint,
  pieces int,
  sha256_hash bytea,
  records bigint,
  created_at timestamptz not null default engine.now(),
  ready_at timestamptz,
  -- From then on there is no file any more.
  expires_at timestamptz,
  gone_at timestamptz,
  downloads int not null default 0,
  constraint privacy_exports_pkey primary key (tenant_id, id),
  constraint privacy_exports_request_fkey foreign key (tenant_id, request_id) references privacy_requests (tenant_id, id),
  constraint privacy_exports_ready check (state <> 'ready' or
    num_nulls(file, key_sealed, bytes, pieces, sha256_hash, records, ready_at, expires_at) = 0),
  constraint privacy_exports_gone check ((state = 'gone') = (gone_at is not null))
);
create index privacy_exports_request_idx on privacy_exports (tenant_id, request_id, id);
create unique index privacy_exports_writing_key on privacy_exports (tenant_id, request_id) where state = 'writing';
-- Which files are to be taken away, over all tenants.
create index privacy_exports_expires_idx on privacy_exports (expires_at) where state = 'ready';
call engine.wall('privacy_exports');
grant select, insert, update on privacy_exports to switchboard_app, switchboard_system;

-- What is looked for by a person.
create index routings_lead_idx on routings (tenant_id, lead_id);
