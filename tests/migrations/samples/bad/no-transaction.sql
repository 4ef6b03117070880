create index concurrently leads_city on leads (city);
