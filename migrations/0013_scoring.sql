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
  constraint lead_scores_pkey primary key (tenant_id, lead_id, at),
  constraint lead_scores_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
call engine.wall('lead_scores');
grant select, insert, delete on lead_scores to switchboard_app, switchboard_system;
