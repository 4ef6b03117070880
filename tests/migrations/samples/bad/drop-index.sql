set local lock_timeout = '2s';
drop index leads_city;
