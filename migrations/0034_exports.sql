-- Files of rows and of reports that people take out, reports that are saved, and what was sent of them.

-- A report as somebody wants it again and again.
create table saved_reports (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  -- What it is about, and in which form.
  kind text not null,
  format text not null constraint saved_reports_format check (format in ('csv', 'json', 'ndjson', 'pdf')),
  -- Which days, seen from the one on which it is made.
  span text not null,
  -- Of its days; the tenant's own if none is named.
  zone text,
  -- When it is sent by itself, and the engine's schedule that does it.
  crontab text,
  schedule_id uuid,
  -- By which account and in which words; the first that carries e-mail, and the product's own, if none is named.
  provider_id uuid,
  template_id uuid,
  -- Whoever saved it may see names in full.
  personal boolean not null,
  created_by uuid,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  updated_at timestamptz not null default engine.now(),
  constraint saved_reports_pkey primary key (tenant_id, id),
  constraint saved_reports_name_key unique (tenant_id, name),
  constraint saved_reports_provider_fkey foreign key (tenant_id, provider_id) references providers (tenant_id, id)
    on delete set null (provider_id),
  constraint saved_reports_template_fkey foreign key (tenant_id, template_id) references templates (tenant_id, id),
  constraint saved_reports_schedule check (crontab is not null or schedule_id is null)
);
call engine.wall('saved_reports');
grant select, insert, update, delete on saved_reports to switchboard_app, switchboard_system;

-- Whom it is sent to. Nobody knows who they are: each has a key of their own, which has the row's id.
create table saved_report_recipients (
  tenant_id uuid not null,
  id uuid not null,
  report_id uuid not null,
  to_sealed bytea not null,
  to_index bytea not null,
  constraint saved_report_recipients_pkey primary key (tenant_id, id),
  constraint saved_report_recipients_report_fkey foreign key (tenant_id, report_id) references saved_reports (tenant_id, id)
    on delete cascade,
  constraint saved_report_recipients_key unique (tenant_id, report_id, to_index)
);
create index saved_report_recipients_to_idx on saved_report_recipients (tenant_id, to_index);
call engine.wall('saved_report_recipients');
grant select, insert, update, delete on saved_report_recipients to switchboard_app, switchboard_system;

-- One time that a report was sent: the run of the workflow that does it. What its days are is settled once, so that a step
-- that runs again makes the same.
create table report_deliveries (
  tenant_id uuid not null,
  -- The run's.
  id uuid not null,
  report_id uuid not null,
  from_day date not null,
  to_day date not null,
  zone text not null,
  export_id uuid not null,
  created_at timestamptz not null default engine.now(),
  -- When its messages were accepted, and how many.
  sent_at timestamptz,
  messages int,
  constraint report_deliveries_pkey primary key (tenant_id, id),
  constraint report_deliveries_report_fkey foreign key (tenant_id, report_id) references saved_reports (tenant_id, id)
    on delete cascade,
  constraint report_deliveries_days check (from_day < to_day),
  constraint report_deliveries_sent check ((sent_at is null) = (messages is null))
);
create index report_deliveries_report_idx on report_deliveries (tenant_id, report_id, id);
create index report_deliveries_created_idx on report_deliveries (created_at);
call engine.wall('report_deliveries');
grant select, insert, update, delete on report_deliveries to switchboard_app, switchboard_system;

-- A file of rows or of a report. It lies in storage, sealed under a key of its own, which lies here under the tenant's.
create table analytics_exports (
  tenant_id uuid not null references tenants,
  id uuid not null,
  what text not null constraint analytics_exports_what check (what in ('leads', 'calls', 'messages', 'recipients', 'report')),
  format text not null constraint analytics_exports_format check (format in ('csv', 'json', 'ndjson', 'pdf')),
  -- What was asked for: ids, words of ours, and keyed hashes of what somebody typed in.
  spec jsonb not null,
  -- It holds what is known of people in full.
  personal boolean not null,
  asked_by_kind text not null,
  asked_by uuid,
  -- The job that writes it, and how often one has begun: what an attempt before is late with does not count.
  job_id uuid not null,
  attempt int not null default 0,
  -- The run that sends it; none of one that somebody has asked for.
  run_id uuid,
  keep_hours int not null constraint analytics_exports_keep check (keep_hours between 1 and 1000),
  state text not null default 'writing' constraint analytics_exports_state check (state in ('writing', 'ready', 'gone')),
  -- As of when everything in it is.
  snapshot_at timestamptz,
  -- Its name in storage.
  file text,
  key_sealed bytea,
  -- Of the file as it is fetched.
  bytes bigint,
  pieces int,
  sha256 text,
  rows bigint,
  -- By which it is known whether somebody may be in it (a Bloom filter of ids); none of a report.
  people bytea,
  created_at timestamptz not null default engine.now(),
  ready_at timestamptz,
  -- From then on there is no file any more.
  expires_at timestamptz,
  gone_at timestamptz,
  -- Why there is none: expired, deleted, failed, erased, restricted.
  gone_why text,
  downloads int not null default 0,
  constraint analytics_exports_pkey primary key (tenant_id, id),
  constraint analytics_exports_ready check (state <> 'ready' or
    num_nulls(snapshot_at, file, key_sealed, bytes, pieces, sha256, rows, ready_at, expires_at) = 0),
  constraint analytics_exports_gone check ((state = 'gone') = (gone_at is not null) and (state = 'gone') = (gone_why is not null)),
  constraint analytics_exports_empty check (state <> 'gone' or num_nonnulls(file, key_sealed, people) = 0)
);
create index analytics_exports_open_idx on analytics_exports (tenant_id, id) where state = 'writing';
-- In which files somebody may be who is erased.
create index analytics_exports_people_idx on analytics_exports (tenant_id, id) where state = 'ready' and people is not null;
-- How many files are kept for those who have asked.
create index analytics_exports_kept_idx on analytics_exports (tenant_id) where state = 'ready' and run_id is null;
-- Which files are to be taken away, and which rows, over all tenants.
create index analytics_exports_expires_idx on analytics_exports (expires_at) where state = 'ready';
create index analytics_exports_writing_idx on analytics_exports (created_at) where state = 'writing';
create index analytics_exports_gone_idx on analytics_exports (gone_at) where state = 'gone';
call engine.wall('analytics_exports');
grant select, insert, update, delete on analytics_exports to switchboard_app, switchboard_system;

-- Who was erased while a file was written.
create index erasure_subjects_destroyed_idx on erasure_subjects (tenant_id, destroyed_at) where destroyed_at is not null;
