create table badges (id uuid primary key, tenant_id uuid not null);
create unique index badges_tenant on badges (tenant_id);
alter table badges add constraint badges_check check (id is not null);
