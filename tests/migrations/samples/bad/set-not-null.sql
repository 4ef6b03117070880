alter table leads alter column town set not null;
