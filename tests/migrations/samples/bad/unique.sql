alter table leads add constraint leads_mail unique (mail);
