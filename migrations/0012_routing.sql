-- The rules by which leads are routed, in the order of their positions.
create table routing_rules (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  position int not null,
  conditions jsonb not null,
  strategy text not null constraint routing_rules_strategy check
    (strategy in ('round_robin', 'direct', 'team', 'longest_idle', 'least_loaded', 'skill', 'weighted')),
  team_id uuid,
  agent_id uuid,
  skill_id uuid,
  min_level smallint constraint routing_rules_min_level check (min_level between 1 and 5),
  fallback jsonb not null,
  -- The team that the fallback names, so that it is there as long as the rule is.
  fallback_team_id uuid generated always as ((fallback ->> 'team_id')::uuid) stored,
  enabled boolean not null,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  updated_at timestamptz not null default engine.now(),
  constraint routing_rules_pkey primary key (tenant_id, id),
  constraint routing_rules_team_fkey foreign key (tenant_id, team_id) references teams (tenant_id, id),
  constraint routing_rules_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint routing_rules_skill_fkey foreign key (tenant_id, skill_id) references skills (tenant_id, id),
  constraint routing_rules_fallback_fkey foreign key (tenant_id, fallback_team_id) references teams (tenant_id, id)
);
create index routing_rules_position_idx on routing_rules (tenant_id, position, id);
call engine.wall('routing_rules');
grant select, insert, update, delete on routing_rules to switchboard_app, switchboard_system;

-- What became of each lead that was routed: the source of the figures. Rows are written once; upkeep drops old ones.
create table routings (
  tenant_id uuid not null references tenants,
  id uuid not null,
  lead_id uuid not null,
  rule_id uuid,
  strategy text,
  team_id uuid,
  agent_id uuid,
  outcome text not null constraint routings_outcome check (outcome in ('assigned', 'queued', 'overflowed', 'no_rule')),
  -- Since when it had waited.
  queued_at timestamptz,
  at timestamptz not null default engine.now(),
  constraint routings_pkey primary key (tenant_id, id)
);
create index routings_at_idx on routings (tenant_id, at);
call engine.wall('routings');
grant select, insert on routings to switchboard_app, switchboard_system;
grant delete on routings to switchboard_system;

-- How far each agent is ahead in the weighted round of a team.
create table agent_turns (
  tenant_id uuid not null references tenants,
  team_id uuid not null,
  agent_id uuid not null,
  credit bigint not null,
  constraint agent_turns_pkey primary key (tenant_id, team_id, agent_id),
  constraint agent_turns_team_fkey foreign key (tenant_id, team_id) references teams (tenant_id, id) on delete cascade,
  constraint agent_turns_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id) on delete cascade
);
call engine.wall('agent_turns');
grant select, insert, update, delete on agent_turns to switchboard_app, switchboard_system;

-- How a lead waits in its team's queue: by what it is given out, where it has been, and what was told of it.
create table queue_places (
  tenant_id uuid not null references tenants,
  lead_id uuid not null,
  rule_id uuid,
  strategy text not null,
  skill_id uuid,
  min_level smallint,
  -- The teams in whose queues it has been, this one included: overflow brings it into none of them again.
  passed uuid[] not null,
  -- When it came into this queue; the lead itself says since when it waits.
  entered_at timestamptz not null default engine.now(),
  -- When it was told that it waits too long.
  overdue_at timestamptz,
  constraint queue_places_pkey primary key (tenant_id, lead_id),
  constraint queue_places_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
call engine.wall('queue_places');
grant select, insert, update, delete on queue_places to switchboard_app, switchboard_system;
