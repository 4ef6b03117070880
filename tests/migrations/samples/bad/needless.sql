-- no-transaction
alter table leads add column town text;
