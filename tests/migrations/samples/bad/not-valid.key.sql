set local lock_timeout = '2s';
alter table leads add constraint leads_team foreign key (team_id) references teams (id);
