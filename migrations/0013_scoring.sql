-- What a tenant's leads are scored by. Version 1 is the product's own and has no row.
create table scoring_models (
  tenant_id uuid not null references tenants,
  id uuid not null,
  version int not null constraint scoring_models_version check (version > 1),
  status text not null constraint scoring_models_status check (status in ('draft', 'published', 'retired')),
  kind text not null constraint scoring_models_kind check (kind in ('points', 'fitted')),
  definition jsonb not null,
  -- What a learned one was found to be worth.
  report jsonb,
  created_by uuid,
  -- Grows with each change.
  revision bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  published_at timestamptz,
  constraint scoring_models_pkey primary key (tenant_id, id),
  constraint scoring_models_version_key unique (tenant_id, version)
);
create unique index scoring_models_published_idx on scoring_models (tenant_id) where status = 'published';
call engine.wall('scoring_models');
grant select, insert, update, delete on scoring_models to switchboard_app, switchboard_system;

-- What a lead's score was, a row for each time that its total or its model changed.
create table lead_scores (
  tenant_id uuid not null,
  lead_id uuid not null,
  at timestamptz not null,
  total smallint not null,
  source smallint not null,
  status smallint not null,
  engagement smallint not null,
  assignment smallint not null,
  fit smallint not null,
  engagement_score smallint not null,
  model int not null,
  -- Why it was scored at all.
  why text not null constraint lead_scores_why check (why in ('asked', 'workflow', 'called', 'changed', 'published', 'refreshed')),
  constraint lead_scores_pkey primary key (tenant_id, lead_id, at)
);
call engine.wall('lead_scores');
grant select, insert, delete on lead_scores to switchboard_app, switchboard_system;

-- What a lead has scored goes with it. A foreign key would do it as well, and look each lead up once more for each score,
-- though whoever writes scores holds the leads.
create function forget_scores() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  delete from lead_scores s using gone g where s.tenant_id = g.tenant_id and s.lead_id = g.id;
  return null;
end $$;
create trigger leads_scores_gone after delete on leads referencing old table as gone
  for each statement execute function forget_scores();

-- What leads are ranked and sorted by: a narrow row for each, so that a score that changes writes anew what stands in
-- indexes here and not in those of the wide table. -1 is for a lead without a score. The columns of the lead are kept by
-- the triggers below, the score by whoever writes scores. Of equal scores the ids decide, which grow with time.
create table lead_ranks (
  tenant_id uuid not null,
  lead_id uuid not null,
  owner_id uuid,
  team_id uuid,
  score smallint not null constraint lead_ranks_score check (score between -1 and 100),
  status text not null,
  constraint lead_ranks_pkey primary key (tenant_id, lead_id),
  constraint lead_ranks_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
-- Six statuses are merged where none is named, so that no walk passes leads that are not wanted: a status goes with the
-- score.
create index lead_ranks_status_idx on lead_ranks (tenant_id, status, score, lead_id);
create index lead_ranks_owner_idx on lead_ranks (tenant_id, owner_id, status, score, lead_id) where owner_id is not null;
create index lead_ranks_team_idx on lead_ranks (tenant_id, team_id, status, score, lead_id) where team_id is not null;
call engine.wall('lead_ranks');
grant select, insert, update, delete on lead_ranks to switchboard_app, switchboard_system;

create function rank_made_leads() returns trigger language plpgsql as $$
begin
  insert into lead_ranks (tenant_id, lead_id, owner_id, team_id, score, status)
  select tenant_id, id, owner_id, team_id, coalesce(score, -1), status from made;
  return null;
end $$;
create trigger leads_made after insert on leads referencing new table as made
  for each statement execute function rank_made_leads();

-- A row at a time, for Postgres hands no table of changed rows to a trigger of some columns; so it costs an update that
-- names none of the three nothing at all.
-- Planned while the table is small it would read it through for each lead, and go on so.
create function rank_changed_lead() returns trigger language plpgsql set enable_seqscan = off as $$
begin
  update lead_ranks set owner_id = new.owner_id, team_id = new.team_id, status = new.status
   where tenant_id = new.tenant_id and lead_id = new.id;
  return null;
end $$;
create trigger leads_changed after update of owner_id, team_id, status on leads for each row
  when (old.owner_id is distinct from new.owner_id or old.team_id is distinct from new.team_id
    or old.status is distinct from new.status)
  execute function rank_changed_lead();
