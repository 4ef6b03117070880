-- no-transaction
create index concurrently leads_city on leads (city);
