-- no-transaction
create index concurrently leads_city on leads (city);
create index concurrently leads_town on leads (town);
