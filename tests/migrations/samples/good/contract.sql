-- contract: 1.2.0
set local lock_timeout = '2s';
alter table leads drop column town;
