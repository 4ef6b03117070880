-- Answers to requests that carried an Idempotency-Key are kept for a week; the oldest are found by this.
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
