alter table leads validate constraint leads_score_check;
