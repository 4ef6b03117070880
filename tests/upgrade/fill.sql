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
reset session_replication_role;

-- Those who work while migrations run. Each statement that they make is written down with how long it took.
create schema drill;
create unlogged table drill.waits (who text not null, began timestamptz not null, ended timestamptz not null);
create table drill.over (is_over boolean not null);
insert into drill.over values (false);
create procedure drill.work(who text, statement text) language plpgsql as $$
declare began timestamptz;
begin
  loop
    began := clock_timestamp();
    execute statement;
    insert into drill.waits values (who, began, clock_timestamp());
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
    perform pg_sleep(0.3);
    exit when (select is_over from drill.over);
    commit;
    perform pg_sleep(0.05);
    commit;
  end loop;
end $$;
