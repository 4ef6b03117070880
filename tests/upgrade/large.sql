-- What a large installation holds: a million rows in each of the tables that grow. `./x upgrade` runs it on the schema of
-- the release before, so it names only columns that the first release has.
set session_replication_role = replica;
set work_mem = '256MB';
call engine.ensure_partitions();
call ensure_audit_partitions();
insert into tenants (id, slug, name) values ('01900000-0000-7000-8000-000000000000', 'drill', 'Drill');

insert into leads (tenant_id, id, status, source, created_at, value_cents, cost_cents)
select '01900000-0000-7000-8000-000000000000', ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       (array['new', 'contacted', 'qualified', 'proposal', 'converted', 'lost'])[1 + n % 6],
       (array['referral', 'organic', 'campaign', 'paid_ads', 'import', 'manual'])[1 + n / 6 % 6],
       engine.now() - n * interval '1 second', n % 10000, n % 100
  from generate_series(1, 1000000) n;

insert into messages (tenant_id, id, subject_id, lead_id, template_id, channel, status, created_at, to_sealed, to_index, vars_sealed)
select '01900000-0000-7000-8000-000000000000', ('01920000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, ('01910000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       '01930000-0000-7000-8000-000000000000', 'email', (array['sent', 'delivered', 'read', 'bounced', 'failed'])[1 + n % 5],
       engine.now() - n * interval '1 second', decode(repeat('00', 60), 'hex'), decode(md5(n::text), 'hex'), decode(repeat('00', 80), 'hex')
  from generate_series(1, 1000000) n;

-- Ended within the last fourteen hours, so that the partitions of today and yesterday hold them.
insert into engine.job_history (id, tenant_id, lane, created_at, finished_at, timeout_ms, attempt, max_attempts, watched, spread,
       state, args, actor, started_at)
select ('01940000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '01900000-0000-7000-8000-000000000000', 1,
       w.at - interval '2 seconds', w.at, 60000, 1, 5, false, false, (array['completed', 'discarded'])[1 + n % 2],
       json_build_object('number', n), '{"kind": "system"}', w.at - interval '1 second'
  from generate_series(1, 1000000) n cross join lateral (select engine.now() - n * interval '50 ms' as at) w;

insert into audit_log (tenant_id, id, at, actor_kind, action, resource, resource_id, outcome)
select '01900000-0000-7000-8000-000000000000', ('01950000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       engine.now() - n * interval '50 ms', 'system', 'update', 'lead', n::text, 'done'
  from generate_series(1, 1000000) n;

insert into engine.jobs (id, tenant_id, lane, run_at, created_at, timeout_ms, max_attempts, args, actor)
select ('01960000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '01900000-0000-7000-8000-000000000000', 1,
       engine.now() + interval '1 day', engine.now(), 60000, 5, json_build_object('number', n), '{"kind": "system"}'
  from generate_series(1, 1000000) n;

insert into users (tenant_id, id, email_sealed, email_index, name_sealed, password_hash, role_id)
select '01900000-0000-7000-8000-000000000000', ('01970000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid,
       decode(repeat('00', 60), 'hex'), decode(md5(n::text), 'hex'), decode(repeat('00', 40), 'hex'), 'none',
       '01980000-0000-7000-8000-000000000000'
  from generate_series(1, 1000000) n;
reset session_replication_role;

-- Those who work while migrations run, on rows that are found by their keys, as nearly all are. A row is drawn once for each
-- statement (`select`).
create schema drill;
create unlogged table drill.waits (who text not null, began timestamptz not null, ended timestamptz not null);
create table drill.over (is_over boolean not null);
insert into drill.over values (false);
create function drill.one_of(kind text) returns uuid language sql volatile as
  $$ select ('01' || kind || '0000-0000-7000-8000-' || lpad(to_hex(1 + (random() * 999998)::int), 12, '0'))::uuid $$;
create table drill.work (who text primary key, statement text not null);
insert into drill.work values
  ('reads leads', 'select from leads where tenant_id = $1 and id = (select drill.one_of(''91''))'),
  ('writes leads', 'update leads set version = version + 1, updated_at = engine.now() where tenant_id = $1 and id = (select drill.one_of(''91''))'),
  ('reads messages', 'select from messages where tenant_id = $1 and id = (select drill.one_of(''92''))'),
  ('writes messages', 'update messages set error_text = ''drill'' where tenant_id = $1 and id = (select drill.one_of(''92''))'),
  ('reads jobs', 'select from engine.job_history where tenant_id = $1 and id = (select drill.one_of(''94''))'),
  ('writes jobs', 'insert into engine.job_history (id, tenant_id, lane, created_at, finished_at, timeout_ms, attempt, max_attempts,
     watched, spread, state, args, actor)
     values (gen_random_uuid(), $1, 1, engine.now(), engine.now(), 60000, 1, 5, false, false, ''completed'', ''{}'', ''{}'')'),
  ('ends jobs', 'update engine.jobs set lane = lane where tenant_id = $1 and id = (select drill.one_of(''96''))'),
  ('reads tenants', 'select from tenants where id = $1'),
  ('writes tenants', 'update tenants set name = name where id = $1'),
  ('logs in', 'select from users u left join second_factors f on f.tenant_id = u.tenant_id and f.user_id = u.id
     where u.tenant_id = $1 and u.id = (select drill.one_of(''97'')) for update of u'),
  ('reads audit', 'select from audit_log where tenant_id = $1 and at > engine.now() - interval ''1 minute'' limit 20'),
  ('writes audit', 'insert into audit_log (tenant_id, id, actor_kind, action, resource, outcome)
     values ($1, gen_random_uuid(), ''system'', ''update'', ''lead'', ''done'')');

-- Each statement is written down with how long it took.
create procedure drill.keep_working(name text) language plpgsql as $$
declare
  began timestamptz;
  statement text := (select w.statement from drill.work w where w.who = name);
begin
  loop
    began := clock_timestamp();
    execute statement using '01900000-0000-7000-8000-000000000000'::uuid;
    insert into drill.waits values (name, began, clock_timestamp());
    exit when (select is_over from drill.over);
    commit;
    perform pg_sleep(0.005);
    commit;
  end loop;
end $$;
-- One whose transactions take a while: what a migration waits for.
create procedure drill.read_at_leisure() language plpgsql as $$
begin
  loop
    perform from leads limit 1;
    perform from messages limit 1;
    perform from engine.job_history limit 1;
    perform from audit_log limit 1;
    perform from engine.jobs limit 1;
    perform from tenants limit 1;
    perform from users limit 1;
    perform from second_factors limit 1;
    perform pg_sleep(0.3);
    exit when (select is_over from drill.over);
    commit;
    perform pg_sleep(0.05);
    commit;
  end loop;
end $$;
