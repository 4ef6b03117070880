alter table leads add constraint leads_apart exclude using gist (during with &&);
