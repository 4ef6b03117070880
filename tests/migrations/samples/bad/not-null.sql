alter table leads add column city text not null;
