alter table leads add constraint leads_score_check check (score >= 0);
