-- Whose rights have changed of late. A token says what its bearer may do: a process that read these rows a moment ago
-- and found none of the bearer goes by the token and asks nobody (domain/src/access/changes.rs). The rows are written by
-- triggers, so that no way of changing rights is forgotten.

create table access_changes (
  tenant_id uuid not null references tenants,
  -- Whoever read rights before this transaction was over may not have seen the change.
  xid xid8 not null default pg_current_xact_id(),
  -- The tenant, the user or the session of which something has changed.
  subject_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  constraint access_changes_pkey primary key (tenant_id, xid, subject_id)
);
-- Read over all tenants, from a transaction on.
create index access_changes_xid_idx on access_changes (xid);
-- The oldest row says from which transaction on all rows are here; of an installation that is new it is this one.
insert into access_changes (tenant_id, subject_id)
  values ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000');
call engine.wall('access_changes');
grant insert (tenant_id, subject_id) on access_changes to switchboard_app;
grant select, insert (tenant_id, subject_id), delete on access_changes to switchboard_system;

-- Users, whatever has changed in them: one statement may change all who have a role.
create function access_changed_users() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id) select c.tenant_id, c.id from changed c
    on conflict do nothing;
  return null;
end $$;
create trigger users_access_changed after update on users referencing new table as changed
  for each statement execute function access_changed_users();
create trigger users_access_gone after delete on users referencing old table as changed
  for each statement execute function access_changed_users();

-- Whoever has a role, also where their version was not raised with it.
create function access_changed_role() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id)
    select u.tenant_id, u.id from users u where u.tenant_id = new.tenant_id and u.role_id = new.id
    on conflict do nothing;
  return null;
end $$;
create trigger roles_access_changed after update of name, built_in, permissions, scope on roles for each row
  when ((old.name, old.built_in, old.permissions, old.scope)
    is distinct from (new.name, new.built_in, new.permissions, new.scope))
  execute function access_changed_role();

create function access_changed_session() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id) values (old.tenant_id, old.id) on conflict do nothing;
  return null;
end $$;
create trigger sessions_access_changed after update of ended_at, user_id on sessions for each row
  when ((old.ended_at, old.user_id) is distinct from (new.ended_at, new.user_id))
  execute function access_changed_session();
create trigger sessions_access_gone after delete on sessions for each row
  when (old.ended_at is null) execute function access_changed_session();

create function access_changed_tenant() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id) values (new.id, new.id) on conflict do nothing;
  return null;
end $$;
create trigger tenants_access_changed after update of suspended_at, requests_per_s on tenants for each row
  when ((old.suspended_at, old.requests_per_s) is distinct from (new.suspended_at, new.requests_per_s))
  execute function access_changed_tenant();

-- The user who was the agent, and the one who is: whose leads they see goes by agent and team.
create function access_changed_agent() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id)
    select u.tenant_id, u.id
      from (values (old.tenant_id, old.user_id), (new.tenant_id, new.user_id)) u (tenant_id, id)
     where u.id is not null
    on conflict do nothing;
  return null;
end $$;
create trigger agents_access_changed after update of user_id, team_id, deleted_at on agents for each row
  when ((old.user_id, old.team_id, old.deleted_at) is distinct from (new.user_id, new.team_id, new.deleted_at))
  execute function access_changed_agent();
create trigger agents_access_new after insert on agents for each row
  when (new.user_id is not null) execute function access_changed_agent();
create trigger agents_access_gone after delete on agents for each row
  when (old.user_id is not null) execute function access_changed_agent();
