alter table leads drop column town;
drop function town_of(uuid);
