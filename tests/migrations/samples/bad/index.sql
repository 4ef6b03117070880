set local lock_timeout = '2s';
create index leads_city on leads (city);
