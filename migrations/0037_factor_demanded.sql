-- Whether logins of a tenant's users lead only to the setting up of a second factor until they have one.
alter table tenants add column second_factor_required boolean not null default false;
grant update (second_factor_required) on tenants to switchboard_app;

-- Whose rights change by it: everybody's of the tenant, and those of whoever has lost their factor. Who has set one up is
-- looked up as it is, for a token of theirs from before says no rights.
create trigger tenants_access_demanded after update of second_factor_required on tenants for each row
  when (old.second_factor_required is distinct from new.second_factor_required)
  execute function access_changed_tenant();
create function access_changed_factor() returns trigger
  language plpgsql as $$
begin
  insert into access_changes (tenant_id, subject_id) values (old.tenant_id, old.user_id) on conflict do nothing;
  return null;
end $$;
create trigger second_factors_access_gone after delete on second_factors for each row
  when (old.confirmed_at is not null) execute function access_changed_factor();
create trigger second_factors_access_emptied after truncate on second_factors execute function access_changed_all();
