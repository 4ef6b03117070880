-- Keys are replaced while everybody goes on reading and writing. A key is `next` while readers learn of it and nobody
-- seals under it yet, `current` while writers seal under it, and `former` while something may still be sealed under it.
-- Then it is gone: that of a person is deleted, that of a tenant stays as a line without the key.
alter table tenant_keys
  add column state text not null default 'current'
    constraint tenant_keys_state check (state in ('next', 'current', 'former')),
  -- Values sealed under it, counted in the transactions that seal: NIST SP 800-38D bounds them to 2^32.
  add column sealed bigint not null default 0,
  add column destroyed_at timestamptz,
  alter column wrapped drop not null,
  add constraint tenant_keys_destroyed check ((wrapped is null) = (destroyed_at is not null));
drop index tenant_keys_current_idx;
create unique index tenant_keys_current_idx on tenant_keys (tenant_id, purpose) where state = 'current';
create unique index tenant_keys_next_idx on tenant_keys (tenant_id, purpose) where state = 'next';

alter table subject_keys
  add column state text not null default 'current'
    constraint subject_keys_state check (state in ('next', 'current', 'former')),
  -- When something that it sealed went into an archive, which nobody seals anew: then it stays until the person is erased.
  add column archived_at timestamptz;
create index subject_keys_next_idx on subject_keys (tenant_id, id) where state = 'next';
create index subject_keys_former_idx on subject_keys (tenant_id, id) where state = 'former' and archived_at is null;
-- Of a person whose key was replaced nothing is left under the one before. What erasure destroyed stays as a line.
grant delete on subject_keys to switchboard_app;
grant update (content_sealed) on sandbox_outbox to switchboard_app;

-- Replacements of keys, and how far each has come. A tenant has one at a time; the product's own tenant has those of the
-- whole installation.
create table key_rotations (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- The wrapping of keys, the tenant's data key, or those of all people.
  what text not null constraint key_rotations_what check (what in ('kek', 'tenant', 'subjects')),
  phase text not null
    constraint key_rotations_phase check (phase in ('rewrap', 'make', 'switch', 'reseal', 'destroy', 'done', 'given_up')),
  -- The workflow that carries it on.
  run_id uuid not null,
  -- The key-encryption key that all are to be wrapped by in the end.
  kek text,
  -- Keys made before are replaced.
  started_at timestamptz not null default clock_timestamp(),
  -- Transactions that must be over before it goes on; null until they are written down.
  awaited text[] default '{}',
  -- Where the pass over keys or values has come to.
  tenant_at uuid not null default '00000000-0000-0000-0000-000000000000',
  part int not null default 0,
  after_id uuid not null default '00000000-0000-0000-0000-000000000000',
  -- What this pass has found to do, and how many passes in a row found nothing.
  found bigint not null default 0,
  clean_passes int not null default 0,
  -- Keys wrapped or values sealed anew, in all passes.
  done bigint not null default 0,
  -- Keys under which something is sealed that does not open: they are left where they are.
  kept uuid[] not null default '{}',
  finished_at timestamptz,
  constraint key_rotations_pkey primary key (tenant_id, id),
  constraint key_rotations_finished check ((phase in ('done', 'given_up')) = (finished_at is not null))
);
create unique index key_rotations_one_idx on key_rotations (tenant_id) where finished_at is null;
call engine.wall('key_rotations');
grant select, insert, update on key_rotations to switchboard_app, switchboard_system;
