-- Messages that were accepted together, by one request.
alter table messages add column batch_id uuid;
create index messages_batch_idx on messages (tenant_id, batch_id, id) where batch_id is not null;
