set local lock_timeout = '2s';
alter table leads add column city text;
