create index leads_city on leads (city);
