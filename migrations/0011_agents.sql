-- What agents can do, when they work and whether they are there.

create table skills (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  version bigint not null default 1,
  created_at timestamptz not null default clock_timestamp(),
  constraint skills_pkey primary key (tenant_id, id),
  constraint skills_name_key unique (tenant_id, name)
);
call engine.wall('skills');
grant select, insert, update, delete on skills to switchboard_app, switchboard_system;

create table agent_skills (
  tenant_id uuid not null,
  agent_id uuid not null,
  skill_id uuid not null,
  -- 1 has just begun, 5 is the one whom others ask.
  level smallint not null constraint agent_skills_level check (level between 1 and 5),
  constraint agent_skills_pkey primary key (tenant_id, agent_id, skill_id),
  constraint agent_skills_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint agent_skills_skill_fkey foreign key (tenant_id, skill_id) references skills (tenant_id, id)
);
create index agent_skills_skill_idx on agent_skills (tenant_id, skill_id, agent_id);
call engine.wall('agent_skills');
grant select, insert, delete on agent_skills to switchboard_app, switchboard_system;

-- How much of a channel an agent takes at a time; how many leads they hold stands with the agent.
create table agent_capacities (
  tenant_id uuid not null,
  agent_id uuid not null,
  channel text not null constraint agent_capacities_channel
    check (channel in ('voice', 'sms', 'email', 'whatsapp', 'slack', 'push')),
  most int not null constraint agent_capacities_most check (most between 0 and 1000),
  constraint agent_capacities_pkey primary key (tenant_id, agent_id, channel),
  constraint agent_capacities_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
call engine.wall('agent_capacities');
grant select, insert, delete on agent_capacities to switchboard_app, switchboard_system;

-- When an agent works, in their zone. One without a row works always.
create table agent_shifts (
  tenant_id uuid not null,
  agent_id uuid not null,
  -- 0 is Sunday, as in crontabs: the day on which it begins.
  weekday smallint not null constraint agent_shifts_weekday check (weekday between 0 and 6),
  starts time not null,
  -- Not after `starts` means on the next day.
  ends time not null,
  constraint agent_shifts_pkey primary key (tenant_id, agent_id, weekday, starts),
  constraint agent_shifts_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
call engine.wall('agent_shifts');
grant select, insert, delete on agent_shifts to switchboard_app, switchboard_system;

-- How many sockets of a user who is an agent are open in a process. A row with none remembers that they left, until
-- it is dealt with.
create table agent_presence (
  tenant_id uuid not null,
  user_id uuid not null,
  node uuid not null,
  sockets int not null constraint agent_presence_sockets check (sockets >= 0),
  -- When the last one of them was closed.
  left_at timestamptz,
  constraint agent_presence_pkey primary key (tenant_id, user_id, node),
  constraint agent_presence_user_fkey foreign key (tenant_id, user_id) references users (tenant_id, id),
  constraint agent_presence_left check ((sockets = 0) = (left_at is not null))
);
call engine.wall('agent_presence');
grant select, insert, update, delete on agent_presence to switchboard_app, switchboard_system;
