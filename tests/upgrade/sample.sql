-- What a release may add, in every way that holds nobody up. `./x upgrade` applies it behind the migrations that there are,
-- so that the drill has something to measure, and the release before something that it does not know.
alter table leads add column drilled text, add column drilled_at timestamptz default now();
alter table messages add column drilled text not null default 'later';
alter table engine.jobs add column drilled text;
alter table engine.job_history add column drilled text;
alter table leads add constraint leads_drilled check (drilled <> '') not valid;
create table drilled (id uuid primary key);
insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (9000, 'drilled', true, 'x', 0);
