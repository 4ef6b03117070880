-- Roles are shared by all databases of a cluster, so another database may have made them already.
-- `switchboard_app` sees one tenant at a time, `switchboard_system` sees all through policies of
-- its own; neither owns anything, logs in, or bypasses row-level security.
do $$
declare
  role text;
begin
  foreach role in array array['switchboard_app', 'switchboard_system'] loop
    begin
      if not exists (select from pg_roles where rolname = role) then
        execute format('create role %I nologin', role);
      end if;
    exception when duplicate_object or unique_violation then
      null;
    end;
    if not pg_has_role(current_user, role, 'member') then
      execute format('grant %I to current_user', role);
    end if;
  end loop;
end $$;

revoke create on schema public from public;
create schema engine;
grant usage on schema engine, public to switchboard_app, switchboard_system;

-- The tenant of this transaction; nothing set means no tenant and so no rows.
create function engine.tenant() returns uuid
  language sql stable parallel safe
  return nullif(current_setting('app.tenant', true), '')::uuid;

-- Puts the tenant wall around a table: row-level security that binds the owner too, one policy for
-- the application (its own tenant) and one for the system role (all). `tenant_column` is `id` on
-- the table of tenants itself.
create procedure engine.wall(target regclass, tenant_column name default 'tenant_id')
  language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy tenant on %s to switchboard_app
       using (%I = (select engine.tenant())) with check (%I = (select engine.tenant()))',
    target, tenant_column, tenant_column);
  execute format(
    'create policy system on %s to switchboard_system using (true) with check (true)', target);
end $$;
