-- What a tenant says of its processing besides what the product knows (GDPR Art. 30). There is one of it.
create table processing_records (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- Names people of the tenant, so it is sealed under the tenant's key.
  record_sealed bytea not null,
  version bigint not null,
  updated_at timestamptz not null default engine.now(),
  constraint processing_records_pkey primary key (tenant_id, id),
  constraint processing_records_one unique (tenant_id)
);
call engine.wall('processing_records');
grant select, insert, update on processing_records to switchboard_app, switchboard_system;

-- Whose data was opened for whom: about a second of what one of the tenant's users, keys or operators was shown.
create table personal_reads (
  tenant_id uuid not null references tenants,
  id uuid not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  actor_kind text not null constraint personal_reads_actor check (actor_kind in ('user', 'api_key', 'operator')),
  actor_id uuid,
  exported boolean not null,
  -- Each person once: ids, which name nobody once they were erased.
  subjects uuid[] not null,
  -- How many more there were, when there was no room to remember them.
  missed bigint not null default 0 constraint personal_reads_missed check (missed >= 0),
  constraint personal_reads_pkey primary key (tenant_id, id),
  constraint personal_reads_order check (last_at >= first_at)
);
create index personal_reads_at_idx on personal_reads (tenant_id, last_at);
-- For what is past its keeping, over all tenants.
create index personal_reads_old_idx on personal_reads (last_at);
call engine.wall('personal_reads');
grant select, insert on personal_reads to switchboard_app, switchboard_system;
grant delete on personal_reads to switchboard_system;
