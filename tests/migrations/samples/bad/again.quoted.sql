-- no-transaction
create index concurrently if not exists "leads city" on leads (city);
