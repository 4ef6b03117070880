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

-- Whose data was opened for whom: a row for each person, each of the tenant's users, keys or operators who was shown them,
-- and each day. How often is not kept, so there are never more rows than people and who look at them, times days.
create table personal_reads (
  tenant_id uuid not null references tenants,
  -- UTC.
  day date not null,
  -- An id, which names nobody once they were erased.
  subject_id uuid not null,
  actor_kind text not null constraint personal_reads_actor check (actor_kind in ('user', 'api_key', 'operator')),
  actor_id uuid not null,
  -- The hours of the day in which it was: bit 0 is from midnight to one.
  shown_hours int not null,
  exported_hours int not null,
  first_at timestamptz not null,
  -- May be behind by a minute.
  last_at timestamptz not null,
  constraint personal_reads_pkey primary key (tenant_id, day, subject_id, actor_id),
  constraint personal_reads_hours check (shown_hours | exported_hours between 1 and (1 << 24) - 1),
  constraint personal_reads_order check (last_at >= first_at)
) with (fillfactor = 90);
call engine.wall('personal_reads');
grant select, insert, update (shown_hours, exported_hours, first_at, last_at) on personal_reads
  to switchboard_app, switchboard_system;
grant delete on personal_reads to switchboard_system;

-- How many reads there was no room to remember by name.
create table missed_reads (
  tenant_id uuid not null references tenants,
  day date not null,
  actor_kind text not null constraint missed_reads_actor check (actor_kind in ('user', 'api_key', 'operator')),
  actor_id uuid not null,
  missed bigint not null constraint missed_reads_missed check (missed > 0),
  first_at timestamptz not null,
  last_at timestamptz not null,
  constraint missed_reads_pkey primary key (tenant_id, day, actor_id)
);
call engine.wall('missed_reads');
grant select, insert, update (missed, first_at, last_at) on missed_reads to switchboard_app, switchboard_system;
grant delete on missed_reads to switchboard_system;
