set local lock_timeout = '2s';
alter table leads add column twice int generated always as (score * 2) stored;
