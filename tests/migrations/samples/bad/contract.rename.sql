set local lock_timeout = '2s';
alter table leads rename column town to city;
