set local lock_timeout = '2s';
alter table leads validate constraint leads_score_check;
