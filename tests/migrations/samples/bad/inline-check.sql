alter table leads add column team uuid references teams (id);
