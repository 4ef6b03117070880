-- no-transaction
alter table audit_log detach partition audit_log_1 concurrently;
