-- Whom nobody should write to any more, as the provider says; kept for callbacks that wait for their message.
alter table message_callbacks add column suppress text
  constraint message_callbacks_suppress check (suppress in ('all', 'marketing'));
-- What is dropped sooner than the rest.
create index message_callbacks_unmatched_idx on message_callbacks (received_at) where message_id is null;
