-- Drip sequences: steps that leads are taken through, each some time after the one before (domain/src/sequences).
create table sequences (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  state text not null default 'draft'
    constraint sequences_state check (state in ('draft', 'active', 'paused', 'archived')),
  -- What is being written. What leads go through is a version, which is never changed.
  draft jsonb not null,
  -- The version that whoever enters goes through.
  published int,
  -- Why the product itself has paused it.
  pause_code text,
  -- Grows with each change.
  revision bigint not null default 1,
  created_by uuid,
  created_at timestamptz not null default engine.now(),
  updated_at timestamptz not null default engine.now(),
  constraint sequences_pkey primary key (tenant_id, id),
  constraint sequences_published check ((published is null) = (state = 'draft')),
  constraint sequences_pause check (pause_code is null or state = 'paused')
) with (fillfactor = 70);
create unique index sequences_name_key on sequences (tenant_id, name) where state <> 'archived';
-- Whose steps are taken, over all tenants.
create index sequences_active_idx on sequences (tenant_id, id) where state = 'active';
call engine.wall('sequences');
grant select, insert, update, delete on sequences to switchboard_app, switchboard_system;

-- A version of a sequence, with the versions of the templates that its steps send. Whoever has entered stays on theirs.
create table sequence_versions (
  tenant_id uuid not null,
  sequence_id uuid not null,
  version int not null constraint sequence_versions_version check (version > 0),
  definition jsonb not null,
  -- Which of the things that happen to a lead can make it reach a goal.
  on_reply boolean not null,
  on_conversion boolean not null,
  on_opt_out boolean not null,
  on_score boolean not null,
  published_by uuid,
  published_at timestamptz not null default engine.now(),
  constraint sequence_versions_pkey primary key (tenant_id, sequence_id, version),
  constraint sequence_versions_sequence_fkey foreign key (tenant_id, sequence_id) references sequences (tenant_id, id)
);
call engine.wall('sequence_versions');
grant select, insert on sequence_versions to switchboard_app, switchboard_system;

-- A lead on its way through a sequence: where it stands, and when that step is due. It is all that there is of a lead that
-- waits; see docs/decisions/0009.
create table sequence_enrolments (
  tenant_id uuid not null,
  id uuid not null,
  sequence_id uuid not null,
  version int not null,
  -- What it was merged into, if it was. One that is gone stays named.
  lead_id uuid not null,
  -- What its score was; of one that had none, its first since; of one that was merged, that of the other one then.
  entry_score smallint,
  entered_at timestamptz not null,
  -- The step that comes next, from 0 on; of one that has ended, where it had come to.
  position smallint not null default 0,
  state text not null default 'waiting'
    constraint sequence_enrolments_state check (state in ('waiting', 'completed', 'goal', 'left')),
  -- Why it has come to a goal or left.
  reason text,
  due_at timestamptz,
  -- When it wrote or spoke for the first time since it entered.
  replied_at timestamptz,
  ended_at timestamptz,
  constraint sequence_enrolments_pkey primary key (tenant_id, id),
  constraint sequence_enrolments_version_fkey foreign key (tenant_id, sequence_id, version)
    references sequence_versions (tenant_id, sequence_id, version),
  constraint sequence_enrolments_due check ((state = 'waiting') = (due_at is not null)),
  constraint sequence_enrolments_ended check ((state = 'waiting') = (ended_at is null))
) with (fillfactor = 80);
-- A lead is in a sequence once at a time.
create unique index sequence_enrolments_open_key on sequence_enrolments (tenant_id, sequence_id, lead_id)
  where ended_at is null;
-- What is due of a sequence. What is due of one that is paused stands in nobody's way.
create index sequence_enrolments_due_idx on sequence_enrolments (tenant_id, sequence_id, due_at, id)
  where due_at is not null;
create index sequence_enrolments_state_idx on sequence_enrolments (tenant_id, sequence_id, state, id);
create index sequence_enrolments_lead_idx on sequence_enrolments (tenant_id, lead_id, id);
call engine.wall('sequence_enrolments');
grant select, insert, update on sequence_enrolments to switchboard_app, switchboard_system;

-- Steps as they were taken, each once: the key is what stands behind that nobody is written to twice.
create table sequence_steps (
  tenant_id uuid not null,
  enrolment_id uuid not null,
  position smallint not null,
  sequence_id uuid not null,
  version int not null,
  outcome text not null constraint sequence_steps_outcome check (outcome in ('sent', 'skipped')),
  -- Why it was left out.
  reason text,
  message_id uuid,
  at timestamptz not null,
  constraint sequence_steps_pkey primary key (tenant_id, enrolment_id, position),
  constraint sequence_steps_sent check ((outcome = 'sent') = (message_id is not null)),
  constraint sequence_steps_enrolment_fkey foreign key (tenant_id, enrolment_id)
    references sequence_enrolments (tenant_id, id)
);
call engine.wall('sequence_steps');
grant select, insert on sequence_steps to switchboard_app, switchboard_system;

-- How many leads stand where, and what became of each step. Written as differences beside what changed, so that no two
-- leads wait for one another; upkeep adds them up.
create table sequence_counts (
  tenant_id uuid not null,
  sequence_id uuid not null,
  version int not null,
  position smallint not null,
  -- A state of enrolments, or an outcome of steps.
  what text not null,
  -- Empty for none.
  why text not null,
  n bigint not null,
  constraint sequence_counts_pkey primary key (tenant_id, sequence_id, version, position, what, why)
) with (fillfactor = 70);
call engine.wall('sequence_counts');
grant select, insert, update on sequence_counts to switchboard_app, switchboard_system;

create table sequence_count_changes (
  tenant_id uuid not null,
  id bigint generated always as identity,
  sequence_id uuid not null,
  version int not null,
  position smallint not null,
  what text not null,
  why text not null,
  n bigint not null,
  constraint sequence_count_changes_pkey primary key (tenant_id, id)
);
create index sequence_count_changes_sequence_idx on sequence_count_changes (tenant_id, sequence_id);
call engine.wall('sequence_count_changes');
grant select, insert, delete on sequence_count_changes to switchboard_app, switchboard_system;
-- Whoever adds them up locks them first.
grant update on sequence_count_changes to switchboard_system;

create function count_new_enrolments() returns trigger language plpgsql as $$
begin
  insert into sequence_count_changes (tenant_id, sequence_id, version, position, what, why, n)
  select tenant_id, sequence_id, version, position, state, coalesce(reason, ''), count(*)
    from fresh group by 1, 2, 3, 4, 5, 6;
  return null;
end $$;
create trigger sequence_enrolments_counted_new after insert on sequence_enrolments
  referencing new table as fresh for each statement execute function count_new_enrolments();

create function count_changed_enrolments() returns trigger language plpgsql as $$
begin
  insert into sequence_count_changes (tenant_id, sequence_id, version, position, what, why, n)
  select tenant_id, sequence_id, version, position, state, why, sum(n)
    from (select tenant_id, sequence_id, version, position, state, coalesce(reason, '') as why, 1 as n from fresh
           union all
          select tenant_id, sequence_id, version, position, state, coalesce(reason, ''), -1 from former) both_sides
   group by 1, 2, 3, 4, 5, 6
  having sum(n) <> 0;
  return null;
end $$;
create trigger sequence_enrolments_counted_changed after update on sequence_enrolments
  referencing old table as former new table as fresh for each statement execute function count_changed_enrolments();

create function count_taken_steps() returns trigger language plpgsql as $$
begin
  insert into sequence_count_changes (tenant_id, sequence_id, version, position, what, why, n)
  select tenant_id, sequence_id, version, position, outcome, coalesce(reason, ''), count(*)
    from fresh group by 1, 2, 3, 4, 5, 6;
  return null;
end $$;
create trigger sequence_steps_counted after insert on sequence_steps
  referencing new table as fresh for each statement execute function count_taken_steps();
