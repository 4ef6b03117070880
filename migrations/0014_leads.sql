-- What is known of leads besides the leads themselves.

-- What was done with a lead: by its people, and by the product. Rows are written once and go with the lead.
create table lead_activities (
  tenant_id uuid not null,
  id uuid not null,
  lead_id uuid not null,
  kind text not null constraint lead_activities_kind
    check (kind in ('note', 'call', 'email', 'chat', 'meeting', 'message', 'status', 'merge')),
  at timestamptz not null,
  actor_kind text not null constraint lead_activities_actor
    check (actor_kind in ('user', 'api_key', 'operator', 'system')),
  actor_id uuid,
  -- What it came of: a message, a call, another lead.
  ref_kind text,
  ref_id uuid,
  -- What the lead became, where its status changed.
  status text,
  note_sealed bytea,
  constraint lead_activities_pkey primary key (tenant_id, id),
  constraint lead_activities_ref check ((ref_kind is null) = (ref_id is null)),
  constraint lead_activities_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
create index lead_activities_lead_idx on lead_activities (tenant_id, lead_id, at desc, id desc);
call engine.wall('lead_activities');
grant select, insert, update, delete on lead_activities to switchboard_app, switchboard_system;

-- What leads are found by besides their numbers and addresses: keyed hashes of tags, of the words of names where the
-- tenant wants that, and of what it asks for of attributes.
create table lead_terms (
  tenant_id uuid not null,
  -- `tag`, `name` or `attr:` and the attribute's name.
  kind text not null,
  term bytea not null,
  lead_id uuid not null,
  constraint lead_terms_pkey primary key (tenant_id, kind, term, lead_id),
  constraint lead_terms_lead_fkey foreign key (tenant_id, lead_id) references leads (tenant_id, id) on delete cascade
);
create index lead_terms_lead_idx on lead_terms (tenant_id, lead_id);
call engine.wall('lead_terms');
grant select, insert, delete on lead_terms to switchboard_app, switchboard_system;

-- What a tenant says of the attributes of its leads; others may be there too, and nothing is said of them.
create table attribute_definitions (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  type text not null constraint attribute_definitions_type check (type in ('text', 'number', 'bool', 'date', 'choice')),
  choices text[] not null,
  -- Whether its values are shown only to whoever may see personal data.
  personal boolean not null,
  searchable boolean not null,
  required boolean not null,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  constraint attribute_definitions_pkey primary key (tenant_id, id),
  constraint attribute_definitions_name_key unique (tenant_id, name)
);
call engine.wall('attribute_definitions');
grant select, insert, update, delete on attribute_definitions to switchboard_app, switchboard_system;

-- Leads that were found to be one person, and are one lead now. Messages to the one that is gone stay sealed under its
-- own key, so whoever erases the person follows these rows.
create table lead_merges (
  tenant_id uuid not null references tenants,
  loser_id uuid not null,
  winner_id uuid not null,
  at timestamptz not null default engine.now(),
  actor_id uuid,
  constraint lead_merges_pkey primary key (tenant_id, loser_id)
);
create index lead_merges_winner_idx on lead_merges (tenant_id, winner_id);
call engine.wall('lead_merges');
grant select, insert on lead_merges to switchboard_app, switchboard_system;
