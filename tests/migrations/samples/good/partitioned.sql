create index if not exists audit_log_at_idx on only audit_log (at);
