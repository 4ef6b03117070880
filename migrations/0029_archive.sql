-- How long logs lie in the database before they go to the archive.
--
-- Audit logs: 13 months, so that a whole year can be looked through at once (PCI DSS 4.0, 10.5.1 asks for 12 months, three
-- of them at hand). Attempts of sending: 13 months as well, for what is claimed about a message of last year.
alter table tenants
  add column keep_audit_days int not null default 396
    constraint tenants_keep_audit check (keep_audit_days between 90 and 3660),
  add column keep_attempts_days int not null default 396
    constraint tenants_keep_attempts check (keep_attempts_days between 90 and 3660);
grant update (keep_audit_days, keep_attempts_days) on tenants to switchboard_app;

-- What of a log lies in storage: one file for each tenant and month. `manifest` is the text that was signed.
create table log_archives (
  tenant_id uuid not null references tenants,
  id uuid not null,
  log text not null constraint log_archives_log check (log in ('audit_log', 'message_attempts')),
  -- The first day of the month, UTC.
  month date not null,
  -- Attempts that a month got after its rows were dropped go to a file of their own.
  part int not null default 1,
  state text not null default 'planned'
    constraint log_archives_state check (state in ('planned', 'written', 'verified', 'dropped', 'refused')),
  -- Why it was refused: the rows stay where they are until a person has looked.
  refused text,
  rows bigint,
  -- Places in the chain, of the audit log only.
  first_seq bigint,
  last_seq bigint,
  first_at timestamptz,
  last_at timestamptz,
  bytes bigint,
  manifest text,
  key_id uuid,
  signature bytea,
  created_at timestamptz not null default engine.now(),
  written_at timestamptz,
  verified_at timestamptz,
  -- Since when its rows are deleted: they were compared with the file before the first one was.
  leaving_at timestamptz,
  dropped_at timestamptz,
  -- Its rows can be looked into again beside the live ones.
  restored_at timestamptz,
  constraint log_archives_pkey primary key (tenant_id, id),
  constraint log_archives_month_key unique (tenant_id, log, month, part),
  constraint log_archives_written check (state in ('planned', 'refused') or (manifest is not null and signature is not null))
);
create index log_archives_state_idx on log_archives (log, state, month);
call engine.wall('log_archives');
grant select on log_archives to switchboard_app;
grant select, insert, update on log_archives to switchboard_system;

-- Rows of the audit log that were brought back from the archive to be looked into: a partition for each archive, which
-- goes as a whole. Nothing writes here but restoring. No row refers to `tenants`: dropping a partition would lock that.
create table restored_audit_log (
  tenant_id uuid not null,
  archive_id uuid not null,
  id uuid not null,
  at timestamptz(6) not null,
  actor_kind text not null,
  actor_id uuid,
  action text not null,
  resource text not null,
  resource_id text,
  outcome text not null,
  severity text,
  detail jsonb not null,
  request_id text,
  seq bigint not null,
  hash bytea not null
) partition by list (archive_id);
create unique index restored_audit_log_seq_key on restored_audit_log (tenant_id, archive_id, seq);
create index restored_audit_log_at_idx on restored_audit_log (tenant_id, at, id);
call engine.wall('restored_audit_log');
grant select on restored_audit_log to switchboard_app;
grant select, insert on restored_audit_log to switchboard_system;

-- The partition of one archive, empty.
create procedure make_restored(archive uuid)
  language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  part text := 'restored_audit_log_' || replace(archive::text, '-', '');
begin
  perform pg_advisory_xact_lock(1012);
  execute format('drop table if exists public.%I', part);
  execute format('create table public.%I partition of public.restored_audit_log for values in (%L)', part, archive);
end $$;
revoke all on procedure make_restored(uuid) from public;
grant execute on procedure make_restored(uuid) to switchboard_system;

create procedure drop_restored(archive uuid)
  language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  perform pg_advisory_xact_lock(1012);
  execute format('drop table if exists public.%I', 'restored_audit_log_' || replace(archive::text, '-', ''));
end $$;
revoke all on procedure drop_restored(uuid) from public;
grant execute on procedure drop_restored(uuid) to switchboard_system;

-- Attempts that lie in the archive are deleted by the system role.
grant delete on message_attempts to switchboard_system;
