alter table leads alter column score type bigint;
