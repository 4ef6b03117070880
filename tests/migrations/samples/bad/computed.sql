alter table leads add column twice int generated always as (score * 2) stored;
