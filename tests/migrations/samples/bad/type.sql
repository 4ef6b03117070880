set local lock_timeout = '2s';
alter table leads alter column score type bigint;
