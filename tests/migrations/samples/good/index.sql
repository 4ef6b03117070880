-- no-transaction
create index concurrently if not exists leads_city on leads (city);
