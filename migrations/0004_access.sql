create table tenants (
  id uuid primary key,
  slug text not null constraint tenants_slug_key unique
    constraint tenants_slug_form check (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
  name text not null,
  -- A name of the IANA database: schedules that name no zone are read in it.
  zone text not null default 'UTC',
  -- A language tag (BCP 47), for whatever shows words, dates and numbers to the tenant's people.
  locale text not null default 'en',
  -- Of all its users and keys together; null leaves it to the installation.
  requests_per_s int constraint tenants_requests_per_s check (requests_per_s between 1 and 1000000),
  -- Users who may come in; null is any number.
  most_users int constraint tenants_most_users check (most_users between 1 and 1000000),
  -- Days that sessions are kept after their end, and what became of the rows of imports.
  keep_sessions_days int not null default 30
    constraint tenants_keep_sessions check (keep_sessions_days between 1 and 365),
  keep_imports_days int not null default 90
    constraint tenants_keep_imports check (keep_imports_days between 1 and 3650),
  -- Whether leads are found by the words of their names: who reads the database then sees which leads share a word.
  search_names boolean not null default false,
  created_at timestamptz not null default clock_timestamp(),
  suspended_at timestamptz
);
-- The installation itself: nobody can log in there. What is done to it is written down in its audit log.
insert into tenants (id, slug, name, suspended_at)
  values ('00000000-0000-0000-0000-000000000000', 'installation', 'The installation', clock_timestamp());
call engine.wall('tenants', 'id');
grant select, update (zone, locale, keep_sessions_days, keep_imports_days, search_names) on tenants to switchboard_app;
grant select, insert, update on tenants to switchboard_system;

-- Data keys, wrapped by the key-encryption key. `data` seals secrets of the tenant itself, `index`
-- keys its blind indexes and outlives rotations of the other.
create table tenant_keys (
  tenant_id uuid not null references tenants,
  id uuid not null,
  purpose text not null constraint tenant_keys_purpose check (purpose in ('data', 'index')),
  wrapped bytea not null,
  kek text not null,
  created_at timestamptz not null default clock_timestamp(),
  retired_at timestamptz,
  constraint tenant_keys_pkey primary key (tenant_id, id)
);
create unique index tenant_keys_current_idx on tenant_keys (tenant_id, purpose) where retired_at is null;
call engine.wall('tenant_keys');
grant select, insert, update on tenant_keys to switchboard_app, switchboard_system;

-- One data key for each person whose data we hold. Erasure destroys it: `wrapped` becomes null.
create table subject_keys (
  tenant_id uuid not null references tenants,
  subject_id uuid not null,
  id uuid not null,
  wrapped bytea,
  kek text not null,
  created_at timestamptz not null default clock_timestamp(),
  destroyed_at timestamptz,
  constraint subject_keys_pkey primary key (tenant_id, id),
  constraint subject_keys_destroyed check ((wrapped is null) = (destroyed_at is not null))
);
create index subject_keys_subject_idx on subject_keys (tenant_id, subject_id);
call engine.wall('subject_keys');
grant select, insert, update on subject_keys to switchboard_app, switchboard_system;

create table roles (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  -- One of the four: what it holds is the build's to say.
  built_in boolean not null,
  permissions text[] not null,
  -- Which leads whoever has it sees.
  scope text not null default 'all' constraint roles_scope check (scope in ('own', 'team', 'all')),
  version bigint not null default 1,
  constraint roles_pkey primary key (tenant_id, id),
  constraint roles_name_key unique (tenant_id, name)
);
call engine.wall('roles');
grant select, insert, update, delete on roles to switchboard_app, switchboard_system;

create table users (
  tenant_id uuid not null references tenants,
  id uuid not null,
  email_sealed bytea not null,
  email_index bytea not null,
  name_sealed bytea not null,
  password_hash text not null,
  role_id uuid not null,
  -- Bumped in the transaction of any change to what the user may do.
  permission_version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  disabled_at timestamptz,
  constraint users_pkey primary key (tenant_id, id),
  constraint users_email_key unique (tenant_id, email_index),
  constraint users_role_fkey foreign key (tenant_id, role_id) references roles (tenant_id, id)
);
call engine.wall('users');
grant select, insert, update on users to switchboard_app, switchboard_system;

-- A login, and how often it was refreshed. A refresh token carries that number: one with another number was used
-- before, so somebody holds a copy.
create table sessions (
  tenant_id uuid not null references tenants,
  id uuid not null,
  user_id uuid not null,
  refreshes int not null default 0,
  client_sealed bytea not null,
  created_at timestamptz not null,
  refreshed_at timestamptz not null,
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text constraint sessions_end_reason check (end_reason in ('logout', 'revoked', 'copied', 'password')),
  constraint sessions_pkey primary key (tenant_id, id),
  constraint sessions_user_fkey foreign key (tenant_id, user_id) references users (tenant_id, id),
  constraint sessions_ended check ((ended_at is null) = (end_reason is null))
);
create index sessions_user_idx on sessions (tenant_id, user_id, id);
create index sessions_over_idx on sessions (tenant_id, (least(ended_at, expires_at)));
call engine.wall('sessions');
grant select, insert, update on sessions to switchboard_app;
grant select, delete on sessions to switchboard_system;

-- Who tried to log in, by the HMAC of what they named and where they came from. Nobody has a tenant there yet.
create table login_buckets (
  key bytea constraint login_buckets_pkey primary key,
  tokens double precision not null,
  filled_at timestamptz not null
);
create index login_buckets_filled_idx on login_buckets (filled_at);
grant select, insert, update, delete on login_buckets to switchboard_system;

-- The link by which a user chooses a password, for those who are invited or have forgotten theirs; its hash.
create table password_links (
  tenant_id uuid not null references tenants,
  user_id uuid not null,
  hash bytea not null,
  -- Of what the user might do when it was made: a link does not give away rights that came later.
  permission_version bigint not null,
  expires_at timestamptz not null,
  constraint password_links_pkey primary key (tenant_id, user_id),
  constraint password_links_user_fkey foreign key (tenant_id, user_id) references users (tenant_id, id)
);
call engine.wall('password_links');
grant select, insert, update, delete on password_links to switchboard_app;
grant select on password_links to switchboard_system;

-- The secret that a user's authenticator holds, the newest step of which a code was used, and the hashes of the
-- recovery codes that are left.
create table second_factors (
  tenant_id uuid not null references tenants,
  user_id uuid not null,
  secret_sealed bytea not null,
  confirmed_at timestamptz,
  last_step bigint not null default 0,
  recovery bytea[] not null default '{}',
  constraint second_factors_pkey primary key (tenant_id, user_id),
  constraint second_factors_user_fkey foreign key (tenant_id, user_id) references users (tenant_id, id)
);
call engine.wall('second_factors');
grant select, insert, update, delete on second_factors to switchboard_app;
grant select on second_factors to switchboard_system;

create table api_keys (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  secret_hash bytea not null,
  permissions text[] not null,
  created_by uuid not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz,
  revoked_at timestamptz,
  constraint api_keys_pkey primary key (tenant_id, id),
  constraint api_keys_creator_fkey foreign key (tenant_id, created_by) references users (tenant_id, id)
);
create unique index api_keys_id_idx on api_keys (id);
call engine.wall('api_keys');
grant select, insert, update on api_keys to switchboard_app, switchboard_system;

-- Who runs the installation, outside of every tenant. Each look of theirs into one is written down there.
create table operators (
  id uuid primary key,
  name text not null,
  secret_hash bytea not null,
  created_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  revoked_at timestamptz
);
create unique index operators_name_idx on operators (name) where revoked_at is null;
grant select, insert, update on operators to switchboard_system;

-- Secrets of the installation, sealed by the key-encryption key: the signer of tokens and the pepper
-- of API keys. No tenant, so only the system role sees them.
create table installation_secrets (
  id uuid primary key,
  purpose text not null constraint installation_secrets_purpose check (purpose in ('token_signer', 'api_key_pepper', 'audit_signer')),
  wrapped bytea not null,
  kek text not null,
  created_at timestamptz not null default clock_timestamp(),
  retired_at timestamptz
);
create unique index installation_secrets_current_idx on installation_secrets (purpose) where retired_at is null;
grant select, insert, update on installation_secrets to switchboard_system;

-- Answers to requests that carried an Idempotency-Key, kept with the effect they had.
create table idempotency_keys (
  tenant_id uuid not null references tenants,
  actor_id uuid not null,
  key text not null,
  fingerprint bytea not null,
  status smallint not null,
  location text not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint idempotency_keys_pkey primary key (tenant_id, actor_id, key)
);
call engine.wall('idempotency_keys');
grant select, insert on idempotency_keys to switchboard_app;
-- Keys of operators, for what they make outside of every tenant, stand with the installation.
grant select, insert, delete on idempotency_keys to switchboard_system;

-- Every change, in the transaction of the change. `seq` and `hash` are given by the sealer.
create table audit_log (
  tenant_id uuid not null references tenants,
  id uuid not null,
  at timestamptz(6) not null default clock_timestamp(),
  actor_kind text not null,
  actor_id uuid,
  action text not null,
  resource text not null,
  resource_id text,
  outcome text not null constraint audit_log_outcome check (outcome in ('done', 'denied')),
  -- Of what concerns security; null of all else.
  severity text constraint audit_log_severity check (severity in ('notice', 'warning', 'critical')),
  detail jsonb not null default '{}',
  request_id text,
  seq bigint constraint audit_log_seq check (seq > 0),
  hash bytea
) partition by range (at);
create index audit_log_at_idx on audit_log (tenant_id, at, id);
create index audit_log_security_idx on audit_log (tenant_id, at, id) where severity is not null;
-- What was done to somebody or something, without going through all that was done.
create index audit_log_resource_idx on audit_log (tenant_id, resource_id) where resource_id is not null;
create index audit_log_seq_idx on audit_log (tenant_id, seq) where seq is not null;
-- What the sealer has not come to.
create index audit_log_unsealed_idx on audit_log (at, id) where seq is null;
-- When it was gone through last.
create index audit_log_verified_idx on audit_log (tenant_id, at, id) where action = 'verify';
call engine.wall('audit_log');
grant select, insert (tenant_id, id, actor_kind, actor_id, action, resource, resource_id, outcome, severity, detail, request_id)
  on audit_log to switchboard_app, switchboard_system;
grant update (seq, hash) on audit_log to switchboard_system;

-- The newest link of each batch that was sealed, signed: else nobody would see that the tail was cut off.
create table audit_heads (
  tenant_id uuid not null references tenants,
  seq bigint not null,
  hash bytea not null,
  sealed_at timestamptz(6) not null default clock_timestamp(),
  key_id uuid not null,
  signature bytea not null,
  constraint audit_heads_pkey primary key (tenant_id, seq)
);
call engine.wall('audit_heads');
grant select on audit_heads to switchboard_app;
grant select, insert on audit_heads to switchboard_system;

-- Monthly partitions of the audit log, from last month to `ahead` months from now.
create procedure ensure_audit_partitions(ahead int default 3)
  language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first date;
  part text;
begin
  perform pg_advisory_xact_lock(1011);
  for first in
    select d::date from generate_series(
      date_trunc('month', engine.today()::timestamp) - interval '1 month',
      date_trunc('month', engine.today()::timestamp) + ahead * interval '1 month', '1 month') d
  loop
    part := 'audit_log_' || to_char(first, 'YYYYMM');
    continue when to_regclass('public.' || part) is not null;
    execute format('create table public.%I (like public.audit_log including defaults including constraints)', part);
    execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)',
      part, first || ' 00:00+00', (first + interval '1 month')::date || ' 00:00+00');
  end loop;
end $$;
revoke all on procedure ensure_audit_partitions(int) from public;
grant execute on procedure ensure_audit_partitions(int) to switchboard_system;
call ensure_audit_partitions();

-- One-time tickets for the WebSocket upgrade; the hash is kept, never the ticket.
create table socket_tickets (
  tenant_id uuid not null references tenants,
  hash bytea not null,
  user_id uuid,
  session_id uuid,
  api_key_id uuid,
  permissions text[] not null,
  expires_at timestamptz not null,
  constraint socket_tickets_pkey primary key (tenant_id, hash)
);
create unique index socket_tickets_hash_idx on socket_tickets (hash);
call engine.wall('socket_tickets');
grant insert on socket_tickets to switchboard_app;
grant select, update, delete on socket_tickets to switchboard_system;

-- How many sockets each process has open, and what came to them; a process that is gone counts no more.
create table socket_counts (
  tenant_id uuid not null references tenants,
  node uuid not null,
  sockets int not null constraint socket_counts_sockets check (sockets >= 0),
  sent bigint not null,
  dropped bigint not null,
  -- Closed because nobody took what they were told.
  slow bigint not null,
  lag bigint not null,
  constraint socket_counts_pkey primary key (tenant_id, node)
) with (fillfactor = 50);
call engine.wall('socket_counts');
grant select on socket_counts to switchboard_app;
grant select, insert, update, delete on socket_counts to switchboard_system;
