-- What people have agreed to as leads goes with the lead; by an address it stays.
alter table consents add constraint consents_lead_fkey
  foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade;

-- How many messages somebody had of late, for caps. Ids are by the time of acceptance, and what was to be sent later may
-- be sent much later than that, so they do not do. What may be on its way counts by its last step, as
-- does what waits to be tried again after an attempt that may have sent it: of what was tried, the attempts tell that.
create index messages_recent_idx on messages (tenant_id, to_index, (coalesce(sent_at, updated_at)))
  where sent_at is not null or status in ('sending', 'unknown') or (status = 'queued' and fence > 0);
