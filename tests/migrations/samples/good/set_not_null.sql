alter table leads alter column city set not null;
