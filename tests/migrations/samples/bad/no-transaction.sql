set local lock_timeout = '2s';
create index concurrently leads_city on leads (city);
