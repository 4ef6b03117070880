-- Whose rights have changed of late. A token says what its bearer may do: a process that read these rows a moment ago
-- and found none of the bearer goes by the token and asks nobody (domain/src/access/changes.rs). The rows are written by
-- triggers, so that no way of changing rights is forgotten.

create table access_changes (
  tenant_id uuid not null references tenants,
  -- Whoever read rights before this transaction was over may not have seen the change.
  xid xid8 not null default pg_current_xact_id(),
  -- The tenant, the user, the session or the role of which something has changed.
  subject_id uuid not null,
  at timestamptz not null default clock_timestamp(),
  constraint access_changes_pkey primary key (tenant_id, xid, subject_id)
);
-- Read over all tenants, from a transaction on.
create index access_changes_xid_idx on access_changes (xid) include (subject_id);
-- The oldest row says from which transaction on all rows are here; of an installation that is new it is this one.
insert into access_changes (tenant_id, subject_id)
  values ('00000000-0000-0000-0000-000000000000', '00000000-0000-0000-0000-000000000000');
call engine.wall('access_changes');
grant insert (tenant_id, subject_id) on access_changes to switchboard_app;
grant select, insert (tenant_id, subject_id), delete on access_changes to switchboard_system;

-- Within which history the numbers of transactions mean something. One that went back gives numbers out twice: a standby
-- that was behind, a dump that was restored, a crash that lost what was not written yet. Then the server was started
-- anew, or a crash has thrown its statistics away. Other restarts, and statistics that are reset by hand, look the same:
-- they cost a statement for each user. Of 53 bits, which every program reads from JSON.
create view access_era as
  select hashtextextended(concat_ws(' ',
           extract(epoch from pg_postmaster_start_time()), extract(epoch from w.stats_reset)), 0)
         & 9007199254740991 as era
    from pg_stat_wal w;
grant select on access_era to switchboard_app, switchboard_system;

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

create function access_changed_row() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id) values (old.tenant_id, old.id) on conflict do nothing;
  return null;
end $$;
-- The role and not who has it: a transaction that gives it to somebody may be open still, and nobody would be found.
create trigger roles_access_changed after update of name, built_in, permissions, scope on roles for each row
  when ((old.name, old.built_in, old.permissions, old.scope)
    is distinct from (new.name, new.built_in, new.permissions, new.scope))
  execute function access_changed_row();
create trigger sessions_access_changed after update of ended_at, user_id on sessions for each row
  when ((old.ended_at, old.user_id) is distinct from (new.ended_at, new.user_id))
  execute function access_changed_row();
create trigger sessions_access_gone after delete on sessions for each row
  when (old.ended_at is null) execute function access_changed_row();

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

-- A table that is emptied by hand, whose rows no other trigger sees: something has changed in every tenant. As the system
-- role, for the wall around tenants binds the owner, too. That of tenants empties this table as well, and then nobody is
-- admitted by a token.
create function access_changed_all() returns trigger
  language plpgsql set role = switchboard_system as $$
begin
  insert into access_changes (tenant_id, subject_id) select t.id, t.id from tenants t on conflict do nothing;
  return null;
end $$;
create trigger users_access_emptied after truncate on users execute function access_changed_all();
create trigger sessions_access_emptied after truncate on sessions execute function access_changed_all();
create trigger roles_access_emptied after truncate on roles execute function access_changed_all();
create trigger agents_access_emptied after truncate on agents execute function access_changed_all();
