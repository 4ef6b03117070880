alter table leads add constraint leads_score_check check (score >= 0) not valid, add constraint leads_mail unique using index leads_mail;
