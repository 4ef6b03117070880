alter table leads add constraint leads_team foreign key (team_id) references teams (id);
