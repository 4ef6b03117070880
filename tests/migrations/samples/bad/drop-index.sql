drop index leads_city;
