-- Logins of the dashboard: a browser holds random bytes in a cookie, and here lies their hash. Those of operators stand
-- with the installation, which is a tenant that nobody can log in to.
create table dashboard_sessions (
  tenant_id uuid not null references tenants,
  hash bytea not null,
  user_id uuid,
  session_id uuid,
  operator_id uuid,
  -- The tenant that an operator looks into, and why.
  looks_into text,
  why text,
  created_at timestamptz not null,
  seen_at timestamptz not null,
  expires_at timestamptz not null,
  constraint dashboard_sessions_pkey primary key (tenant_id, hash),
  constraint dashboard_sessions_session_fkey foreign key (tenant_id, session_id)
    references sessions (tenant_id, id) on delete cascade,
  constraint dashboard_sessions_who check (
    (user_id is null) = (session_id is null) and (user_id is null) = (operator_id is not null)),
  constraint dashboard_sessions_look check (
    (looks_into is null) = (why is null) and (looks_into is null or operator_id is not null))
);
-- A visitor is looked up before their tenant is known.
create unique index dashboard_sessions_hash_idx on dashboard_sessions (hash);
create index dashboard_sessions_session_idx on dashboard_sessions (tenant_id, session_id);
create index dashboard_sessions_over_idx on dashboard_sessions (tenant_id, expires_at);
call engine.wall('dashboard_sessions');
grant select, insert, update, delete on dashboard_sessions to switchboard_system;
-- For what somebody is told of themselves.
grant select on dashboard_sessions to switchboard_app;
