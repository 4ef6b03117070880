alter table leads add column city text, drop column town;
