create table teams (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  -- The ordinal of the agent who had the last lead of a round.
  cursor bigint not null default 0,
  -- Seconds that an agent has after a call; 0 for none.
  wrap_up_s int not null default 0 constraint teams_wrap_up check (wrap_up_s between 0 and 86400),
  -- Seconds within which a waiting lead or call should have somebody.
  sla_s int constraint teams_sla check (sla_s between 1 and 604800),
  -- Who helps out with what has waited for so many seconds.
  overflow_team_id uuid,
  overflow_after_s int constraint teams_overflow_after check (overflow_after_s between 1 and 604800),
  -- Seconds that a call rings at one agent before it goes on to the next.
  ring_s int not null default 20 constraint teams_ring check (ring_s between 5 and 600),
  -- Seconds of waiting after which a call is given up, and what its caller hears then.
  max_wait_s int constraint teams_max_wait check (max_wait_s between 1 and 604800),
  after_max_wait text not null default 'hang_up'
    constraint teams_after_max_wait check (after_max_wait in ('hang_up', 'voicemail')),
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  -- A team that is gone stays for what refers to it: closed leads, reports.
  deleted_at timestamptz,
  constraint teams_pkey primary key (tenant_id, id),
  constraint teams_overflow_fkey foreign key (tenant_id, overflow_team_id) references teams (tenant_id, id),
  constraint teams_overflow_other check (overflow_team_id <> id)
);
create unique index teams_name_key on teams (tenant_id, name) where deleted_at is null;
create index teams_overflow_idx on teams (tenant_id, overflow_team_id) where overflow_team_id is not null;
call engine.wall('teams');
grant select, insert, update, delete on teams to switchboard_app, switchboard_system;

-- Whose agents take a call that neither its lead, a rule nor its source says a team of.
alter table tenants add column default_team_id uuid,
  add constraint tenants_default_team_fkey foreign key (id, default_team_id) references teams (tenant_id, id);
grant update (default_team_id) on tenants to switchboard_app;

create table agents (
  tenant_id uuid not null references tenants,
  id uuid not null,
  team_id uuid,
  ordinal bigint generated always as identity,
  status text not null constraint agents_status check (status in ('offline', 'available', 'on_call', 'wrap_up', 'break')),
  status_since timestamptz not null default engine.now(),
  -- Since when they wait for work: when they became available, or were given some last.
  idle_since timestamptz,
  -- When wrap-up ends by itself; none if it does not.
  wrap_up_until timestamptz,
  -- Open leads the agent may hold at a time.
  capacity int not null constraint agents_capacity check (capacity between 0 and 100000),
  -- Their share of the work where it is given out by weight.
  weight int not null default 1 constraint agents_weight check (weight between 1 and 100),
  -- A name of the IANA database that shifts are read in; the tenant's own if there is none.
  zone text,
  version bigint not null default 1,
  name_sealed bytea not null,
  -- Whoever logs in as this agent: their role may be bound to the agent's own leads or to those of the team.
  user_id uuid,
  created_at timestamptz not null default clock_timestamp(),
  -- An agent who is gone stays for what refers to them: closed leads, calls, reports.
  deleted_at timestamptz,
  constraint agents_pkey primary key (tenant_id, id),
  constraint agents_user_key unique (tenant_id, user_id),
  constraint agents_user_fkey foreign key (tenant_id, user_id) references users (tenant_id, id),
  constraint agents_team_fkey foreign key (tenant_id, team_id) references teams (tenant_id, id)
);
create index agents_team_idx on agents (tenant_id, team_id, ordinal);
call engine.wall('agents');
grant select, insert, update, delete on agents to switchboard_app, switchboard_system;

create table imports (
  tenant_id uuid not null references tenants,
  id uuid not null,
  status text not null constraint imports_status check (status in ('running', 'finished', 'interrupted', 'refused')),
  -- Nothing is written but the report: it tells what would become of the file.
  dry_run boolean not null,
  -- What becomes of a row whose number or address a lead has already.
  on_duplicate text not null
    constraint imports_on_duplicate check (on_duplicate in ('create', 'skip', 'update', 'reject')),
  created bigint not null default 0,
  updated bigint not null default 0,
  duplicates bigint not null default 0,
  rejected bigint not null default 0,
  reason text,
  created_by uuid,
  -- Whether rows of its report are kept.
  has_report boolean not null default false,
  -- When the last batch was written: an import that is silent for long has lost its process.
  touched_at timestamptz not null default engine.now(),
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint imports_pkey primary key (tenant_id, id)
);
create index imports_running_idx on imports (touched_at) where status = 'running';
-- The imports of somebody who sees no others.
create index imports_by_idx on imports (tenant_id, created_by, id);
-- Reports that are old enough are found without those that are gone already.
create index imports_report_idx on imports (tenant_id, created_at) where has_report;
call engine.wall('imports');
grant select, insert, update on imports to switchboard_app, switchboard_system;

-- What became of each row of a file. A lead that is gone since then stays named.
create table import_rows (
  tenant_id uuid not null,
  import_id uuid not null,
  line bigint not null,
  outcome text not null
    constraint import_rows_outcome check (outcome in ('created', 'updated', 'duplicate', 'rejected')),
  lead_id uuid,
  field text,
  reason text,
  constraint import_rows_pkey primary key (tenant_id, import_id, line),
  constraint import_rows_import_fkey foreign key (tenant_id, import_id) references imports (tenant_id, id)
);
create index import_rows_outcome_idx on import_rows (tenant_id, import_id, outcome, line);
-- The rows about a lead, for whoever asks for them or is to be forgotten.
create index import_rows_lead_idx on import_rows (tenant_id, lead_id) where lead_id is not null;
call engine.wall('import_rows');
grant select, insert on import_rows to switchboard_app, switchboard_system;
grant delete on import_rows to switchboard_system;

-- Blind indexes of the numbers and addresses that a dry run has come by, and the line or the lead that has them, to find
-- what the file says twice: the leads that would tell are not written. They go soon after the run's end.
create table import_contacts (
  tenant_id uuid not null,
  import_id uuid not null,
  hash bytea not null,
  line bigint,
  lead_id uuid,
  constraint import_contacts_pkey primary key (tenant_id, import_id, hash),
  constraint import_contacts_holder check ((line is null) <> (lead_id is null)),
  constraint import_contacts_import_fkey foreign key (tenant_id, import_id) references imports (tenant_id, id)
);
call engine.wall('import_contacts');
grant select, insert on import_contacts to switchboard_app, switchboard_system;
grant delete on import_contacts to switchboard_system;

-- More than half of each page is left free, and no column of a score stands in an index or a predicate of this table:
-- scoring all leads of a page in one transaction writes a new version of each next to the old one and touches no index.
-- What is found by its score is a row of `lead_ranks`.
create table leads (
  tenant_id uuid not null references tenants,
  id uuid not null,
  import_id uuid,
  owner_id uuid,
  team_id uuid,
  status text not null constraint leads_status check (status in ('new', 'contacted', 'qualified', 'proposal', 'converted', 'lost')),
  source text not null constraint leads_source check (source in ('referral', 'organic', 'campaign', 'paid_ads', 'import', 'manual')),
  language text,
  region text,
  value_cents bigint,
  -- What was spent on it.
  cost_cents bigint constraint leads_cost check (cost_cents >= 0),
  tags text[] not null default '{}',
  activities int not null default 0,
  last_activity_at timestamptz,
  assigned_at timestamptz,
  -- Since when it waits in its team's queue.
  waiting_since timestamptz,
  score smallint constraint leads_score check (score between 0 and 100),
  score_source smallint,
  score_status smallint,
  score_engagement smallint,
  score_assignment smallint,
  -- How good it would be whatever was done with it, and how much was done lately: 0 to 100 each.
  score_fit smallint,
  score_recency smallint,
  score_model int,
  scored_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  updated_at timestamptz not null default engine.now(),
  name_sealed bytea,
  phone_sealed bytea,
  phone_index bytea,
  email_sealed bytea,
  email_index bytea,
  attributes_sealed bytea,
  constraint leads_pkey primary key (tenant_id, id),
  constraint leads_owner_fkey foreign key (tenant_id, owner_id) references agents (tenant_id, id),
  constraint leads_team_fkey foreign key (tenant_id, team_id) references teams (tenant_id, id)
) with (fillfactor = 45);
create index leads_phone_idx on leads (tenant_id, phone_index) where phone_index is not null;
create index leads_email_idx on leads (tenant_id, email_index) where email_index is not null;
create index leads_import_idx on leads (tenant_id, import_id, id) where import_id is not null;
create index leads_owner_idx on leads (tenant_id, owner_id, id) where owner_id is not null;
create index leads_team_idx on leads (tenant_id, team_id, id) where team_id is not null;
create index leads_waiting_idx on leads (tenant_id, team_id, waiting_since, id)
  where owner_id is null and team_id is not null and status not in ('converted', 'lost');
create index leads_created_idx on leads (tenant_id, created_at);
-- Lists in another order than that of their ids; by the score they are walked in `lead_ranks`. -1 stands for none, so
-- that those without come last both ways.
create index leads_updated_idx on leads (tenant_id, updated_at, id);
create index leads_value_idx on leads (tenant_id, (case when value_cents is null then -1::bigint else value_cents end), id);
-- How many open leads somebody holds, however many they have closed.
create index leads_held_idx on leads (tenant_id, owner_id)
  where owner_id is not null and status not in ('converted', 'lost');
-- Open leads, whose scores fade.
create index leads_open_idx on leads (tenant_id, id) where status not in ('converted', 'lost');
call engine.wall('leads');
grant select, insert, update, delete on leads to switchboard_app, switchboard_system;
