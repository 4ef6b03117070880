-- The right to be forgotten, and what stands beside it: holds, restriction, rectification, how long things are kept.

-- Whoever is held is not erased, nor is anything of theirs forgotten by age, until the hold is released: a person of the
-- tenant says by which law.
create table legal_holds (
  tenant_id uuid not null references tenants,
  id uuid not null,
  subject_id uuid not null,
  -- Both in the tenant's words, with nothing about the person.
  reason text not null,
  law text not null,
  placed_by uuid,
  placed_at timestamptz not null default engine.now(),
  released_by uuid,
  released_at timestamptz,
  release_reason text,
  constraint legal_holds_pkey primary key (tenant_id, id),
  constraint legal_holds_released check ((released_at is null) = (release_reason is null))
);
create index legal_holds_subject_idx on legal_holds (tenant_id, subject_id) where released_at is null;
call engine.wall('legal_holds');
grant select, insert, update on legal_holds to switchboard_app, switchboard_system;

-- Who is not written to, scored, routed or taken out with others (GDPR, article 18); what is known of them stays.
create table restrictions (
  tenant_id uuid not null references tenants,
  id uuid not null,
  subject_id uuid not null,
  reason text not null,
  set_by uuid,
  set_at timestamptz not null default engine.now(),
  lifted_by uuid,
  lifted_at timestamptz,
  lift_reason text,
  constraint restrictions_pkey primary key (tenant_id, id),
  constraint restrictions_lifted check ((lifted_at is null) = (lift_reason is null))
);
create unique index restrictions_subject_key on restrictions (tenant_id, subject_id) where lifted_at is null;
call engine.wall('restrictions');
grant select, insert, update on restrictions to switchboard_app, switchboard_system;

-- Corrections that people asked for (article 16): which fields, never their values.
create table rectifications (
  tenant_id uuid not null references tenants,
  id uuid not null,
  lead_id uuid not null,
  fields text[] not null,
  reason text not null,
  made_by uuid,
  made_at timestamptz not null default engine.now(),
  constraint rectifications_pkey primary key (tenant_id, id)
);
create index rectifications_lead_idx on rectifications (tenant_id, lead_id, id);
call engine.wall('rectifications');
grant select, insert on rectifications to switchboard_app, switchboard_system;

-- How long a tenant keeps what, in days, and how long somebody may think better of being erased. No row means that nothing
-- goes by its age, and the product's own days to think.
create table retention_rules (
  tenant_id uuid not null references tenants,
  cool_off_days int not null default 3 constraint retention_rules_cool_off check (cool_off_days between 0 and 30),
  -- The person, from when their lead was closed and nothing was done with it any more.
  closed_leads_days int constraint retention_rules_leads check (closed_leads_days between 30 and 36500),
  -- What was written to somebody and what they wrote; the numbers stay.
  messages_days int constraint retention_rules_messages check (messages_days between 7 and 36500),
  -- Number, notes and recording of a call.
  calls_days int constraint retention_rules_calls check (calls_days between 7 and 36500),
  -- What was noted of things done with a lead.
  notes_days int constraint retention_rules_notes check (notes_days between 7 and 36500),
  version bigint not null default 1,
  updated_at timestamptz not null default engine.now(),
  constraint retention_rules_pkey primary key (tenant_id)
);
call engine.wall('retention_rules');
grant select, insert, update on retention_rules to switchboard_app, switchboard_system;
-- What is old enough and has something to forget; what was forgotten is found no more.
create index messages_content_idx on messages (tenant_id, created_at) where vars_sealed <> ''::bytea;
create index inbound_messages_content_idx on inbound_messages (tenant_id, received_at) where body_sealed <> ''::bytea;
create index calls_content_idx on calls (tenant_id, started_at) where number_sealed <> ''::bytea;
create index lead_activities_notes_idx on lead_activities (tenant_id, at) where note_sealed is not null;
create index leads_closed_idx on leads (tenant_id, updated_at) where status in ('converted', 'lost');

-- Somebody asked to be erased.
create table erasures (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- As it was named, and what it was by then. Of somebody who is no lead there is no more than the keyed hashes of where
  -- they are reached, and a subject of the request's own.
  lead_id uuid,
  subject_id uuid not null,
  -- Why: `asked` by the person, `retention` by age.
  cause text not null default 'asked' constraint erasures_cause check (cause in ('asked', 'retention')),
  -- `identity` waits for somebody to say how they know that it is the person; `cooling` may still be withdrawn; `held` waits
  -- for a hold to be released.
  state text not null constraint erasures_state
    check (state in ('identity', 'cooling', 'held', 'running', 'done', 'withdrawn')),
  asked_by uuid,
  asked_at timestamptz not null default engine.now(),
  -- The law's time limit (article 12, paragraph 3).
  due_at timestamptz not null,
  -- How it was found out that it is the person who asks, in words, with nothing about them.
  identity text,
  identity_by uuid,
  identity_at timestamptz,
  not_before timestamptz,
  run_id uuid,
  begun_at timestamptz,
  withdrawn_at timestamptz,
  finished_at timestamptz,
  certificate jsonb,
  constraint erasures_pkey primary key (tenant_id, id),
  constraint erasures_identified check (state = 'identity' or state = 'withdrawn' or identity is not null),
  constraint erasures_done check ((state = 'done') = (finished_at is not null and certificate is not null))
);
create unique index erasures_open_key on erasures (tenant_id, subject_id) where state not in ('done', 'withdrawn');
create index erasures_lead_idx on erasures (tenant_id, lead_id, id);
-- What is not over, the most urgent first.
create index erasures_due_idx on erasures (tenant_id, due_at, id) where state not in ('done', 'withdrawn');
call engine.wall('erasures');
grant select, insert, update on erasures to switchboard_app, switchboard_system;

-- Under which names the person was known: leads merged into one, and calls and messages from before there was a lead. A row
-- stays, so that nobody who was erased gets a key again.
create table erasure_subjects (
  tenant_id uuid not null,
  erasure_id uuid not null,
  subject_id uuid not null,
  is_lead boolean not null,
  destroyed_at timestamptz,
  constraint erasure_subjects_pkey primary key (tenant_id, erasure_id, subject_id),
  constraint erasure_subjects_erasure_fkey foreign key (tenant_id, erasure_id) references erasures (tenant_id, id)
);
create index erasure_subjects_subject_idx on erasure_subjects (tenant_id, subject_id);
call engine.wall('erasure_subjects');
grant select, insert, update, delete on erasure_subjects to switchboard_app, switchboard_system;

-- What was done, and to how much; written with each page, so that a figure is right wherever the work was cut off.
create table erasure_counts (
  tenant_id uuid not null,
  erasure_id uuid not null,
  -- A table, or a provider.
  what text not null,
  deed text not null,
  n bigint not null,
  constraint erasure_counts_pkey primary key (tenant_id, erasure_id, what, deed),
  constraint erasure_counts_erasure_fkey foreign key (tenant_id, erasure_id) references erasures (tenant_id, id)
);
call engine.wall('erasure_counts');
grant select, insert, update on erasure_counts to switchboard_app, switchboard_system;

-- Addresses of the erased hold as keyed hashes, until the person agrees to something anew.
alter table suppressions drop constraint suppressions_reason,
  add constraint suppressions_reason
    check (reason in ('stop', 'bounce', 'complaint', 'unsubscribe', 'provider', 'manual', 'erased'));

-- When the person was erased who was reached there, beside any other reason: neither the tenant nor a word of theirs to a
-- machine lifts it, only what they agree to later.
alter table suppressions add column erased_at timestamptz;

-- All that people have said, in the order in which it was recorded; `consents` holds what counts.
create table consent_history (
  tenant_id uuid not null references tenants,
  id uuid not null,
  consent_id uuid not null,
  granted boolean not null,
  source text not null,
  wording text,
  -- Where the tenant keeps what shows it: the number of a form, of a recording. Nothing of the person.
  proof text,
  said_at timestamptz not null,
  recorded_at timestamptz not null default engine.now(),
  -- Something said later was known already.
  taken boolean not null,
  actor_kind text not null,
  actor_id uuid,
  constraint consent_history_pkey primary key (tenant_id, id),
  constraint consent_history_consent_fkey foreign key (tenant_id, consent_id)
    references consents (tenant_id, id) on delete cascade
);
create index consent_history_consent_idx on consent_history (tenant_id, consent_id, id);
call engine.wall('consent_history');
grant select, insert, update, delete on consent_history to switchboard_app, switchboard_system;
alter table consents add column proof text;

-- What is deleted of the erased and could not be before.
grant delete on sandbox_outbox to switchboard_app, switchboard_system;
grant delete on engine.signals to switchboard_app;
create index sandbox_outbox_subject_idx on sandbox_outbox (tenant_id, subject_id);
create index messages_subject_idx on messages (tenant_id, subject_id, id);
create index calls_subject_idx on calls (tenant_id, subject_id, id);
create index inbound_messages_subject_idx on inbound_messages (tenant_id, subject_id, id);
create index suppressions_subject_idx on suppressions (tenant_id, subject_id);

-- On which cluster, and on which of its timelines, this installation was at work last. Another one here means that the
-- database was restored: nothing works until `switchboard recover` has run.
create table installation_place (
  one boolean constraint installation_place_pkey primary key default true,
  system bigint not null,
  timeline int not null,
  since timestamptz not null default clock_timestamp(),
  constraint installation_place_one check (one)
);
grant select, insert, update on installation_place to switchboard_system;

-- Since when the lead is restricted, so that whoever goes through leads passes it over; `restrictions` says why.
alter table leads add column restricted_at timestamptz;
-- Where a restricted person is reached, as messages have it: what is sent to the bare address is held back as well.
alter table restrictions add column phone_index bytea, add column email_index bytea;
create index restrictions_phone_idx on restrictions (tenant_id, phone_index) where phone_index is not null and lifted_at is null;
create index restrictions_email_idx on restrictions (tenant_id, email_index) where email_index is not null and lifted_at is null;

-- Where somebody was reached who is being erased, as keyed hashes by the names they are made under: rows are found by them
-- once nobody can read the address any more. They go with the certificate.
create table erasure_addresses (
  tenant_id uuid not null,
  erasure_id uuid not null,
  name text not null,
  hash bytea not null,
  -- Another lead has it too by now: no rows are found by it.
  shared boolean not null default false,
  constraint erasure_addresses_pkey primary key (tenant_id, erasure_id, name, hash),
  constraint erasure_addresses_erasure_fkey foreign key (tenant_id, erasure_id) references erasures (tenant_id, id)
);
call engine.wall('erasure_addresses');
grant select, insert, update (shared), delete on erasure_addresses to switchboard_app, switchboard_system;
-- How far the rows of the manifest's tables were gone through.
alter table erasures add column place text, add column cursor text[];
grant delete on import_contacts to switchboard_app;
grant update (lead_id, reason) on import_rows to switchboard_app;

-- Nobody who was erased gets a key again: nothing new is sealed for them, whoever comes late with it.
create function refuse_keys_of_erased() returns trigger language plpgsql as $$
begin
  if exists (select from erasure_subjects e
              where e.tenant_id = new.tenant_id and e.subject_id = new.subject_id and e.destroyed_at is not null) then
    raise exception 'the person was erased' using errcode = 'SB410';
  end if;
  return new;
end $$;
create trigger subject_keys_not_again before insert on subject_keys for each row execute function refuse_keys_of_erased();

-- The cluster and the timeline that is written to now: the name of a file of the write-ahead log begins with the timeline,
-- while the control file learns of a new one at its first checkpoint only.
create function place_now(out system bigint, out timeline int)
  language sql volatile
begin atomic
  select s.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int
    from pg_control_system() s;
end;

-- Pauses all work if this is another place than the one that was written down; asked on each new connection that claims,
-- before it does, so that no worker goes on over a restore or a failover that came under it. Answers whether it is another.
create function engine.leave_unless_at_home(why text) returns boolean
language plpgsql volatile as $$
begin
  if not exists (select from public.installation_place p, public.place_now() n
                  where (p.system, p.timeline) is distinct from (n.system, n.timeline)) then
    return false;
  end if;
  if not exists (select from engine.pauses
                  where decided_by = 'product' and num_nonnulls(queue_id, tenant_id, kind) = 0) then
    perform engine.pause('product', null, null, null, why);
  end if;
  return true;
end $$;
revoke all on function engine.leave_unless_at_home from public;
grant execute on function engine.leave_unless_at_home to switchboard_system;
