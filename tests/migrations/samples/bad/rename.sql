alter table leads rename column town to city;
