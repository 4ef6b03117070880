alter table leads add constraint leads_score_check check (score >= 0) not valid;
alter table leads validate constraint leads_score_check;
