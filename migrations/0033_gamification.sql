-- Points, challenges, competitions, tiers, badges and rewards (domain/src/gamification).

-- A tenant that plays: up to where its log was read for points. Its lock is held by whoever writes the ledger.
create table game_heads (
  tenant_id uuid not null references tenants,
  from_sequence bigint not null,
  -- The newest part of the log that was dropped before it was read.
  gap_from bigint,
  gap_to bigint,
  gap_at timestamptz,
  created_at timestamptz not null default engine.now(),
  constraint game_heads_pkey primary key (tenant_id),
  constraint game_heads_gap check (num_nulls(gap_from, gap_to, gap_at) in (0, 3))
) with (fillfactor = 50);
call engine.wall('game_heads');
grant select, insert, update on game_heads to switchboard_app, switchboard_system;

-- What a deed is worth.
create table point_rules (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  deed text not null constraint point_rules_deed
    check (deed in ('call_answered', 'call_completed', 'lead_created', 'lead_converted')),
  -- 0 only counts.
  points int not null constraint point_rules_points check (points between 0 and 100000),
  -- Only calls that came to this, that were rated so well, or in which was talked so long.
  outcome text,
  min_satisfaction smallint constraint point_rules_satisfaction check (min_satisfaction between 1 and 5),
  min_talk_s int constraint point_rules_talk check (min_talk_s between 1 and 86400),
  -- In each such time of the tenant's zone, at most so many points for one person, and at most so often.
  cap_per text constraint point_rules_cap_per check (cap_per in ('day', 'week', 'month')),
  cap_points int constraint point_rules_cap_points check (cap_points between 1 and 10000000),
  cap_times int constraint point_rules_cap_times check (cap_times between 1 and 1000000),
  version bigint not null default 1,
  -- What was done before gives nothing by it.
  created_at timestamptz not null default engine.now(),
  -- One that is gone stays for what it gave.
  retired_at timestamptz,
  constraint point_rules_pkey primary key (tenant_id, id),
  constraint point_rules_cap check ((cap_per is null) = (cap_points is null and cap_times is null))
);
create unique index point_rules_name_key on point_rules (tenant_id, name) where retired_at is null;
call engine.wall('point_rules');
grant select, insert, update on point_rules to switchboard_app, switchboard_system;

-- The ledger. A row is never changed; what is taken back is a row of its own.
create table point_entries (
  tenant_id uuid not null,
  id uuid not null,
  agent_id uuid not null,
  -- Whose team they were in when it was written.
  team_id uuid,
  source text not null constraint point_entries_source
    check (source in ('deed', 'hand', 'challenge', 'competition', 'redemption', 'refund', 'reversal')),
  -- What is written once, however often it is told.
  key text not null,
  -- When it happened; of a reversal, when what it takes back had happened.
  at timestamptz not null,
  -- The day of `at` in the tenant's zone.
  day date not null,
  points int not null,
  -- What a cap kept back.
  withheld int not null default 0 constraint point_entries_withheld check (withheld >= 0),
  -- What was done and of what takes that back, and what it was about.
  deed text,
  subject text,
  rule_id uuid,
  -- How many deeds it stands for: 1 in the first row of one, 0 in the others, -1 where it is taken back.
  deeds smallint not null default 0 constraint point_entries_deeds check (deeds between -1 and 1),
  -- The row that it takes back.
  reverses uuid,
  -- A word of ours that says what for, of what is given by hand or taken back.
  reason text,
  -- Who gave it or took it back; none if it was the product itself.
  by_id uuid,
  created_at timestamptz not null default engine.now(),
  constraint point_entries_pkey primary key (tenant_id, id),
  constraint point_entries_key_key unique (tenant_id, key),
  constraint point_entries_reverses_key unique (tenant_id, reverses),
  constraint point_entries_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint point_entries_rule_fkey foreign key (tenant_id, rule_id) references point_rules (tenant_id, id),
  constraint point_entries_reverses_fkey foreign key (tenant_id, reverses) references point_entries (tenant_id, id),
  constraint point_entries_reversal check ((source = 'reversal') = (reverses is not null)),
  constraint point_entries_sign check (
    case when source = 'reversal' then points <= 0 and withheld = 0
         when source = 'redemption' then points < 0
         when source = 'deed' then points >= 0
         else points > 0 end)
);
create index point_entries_agent_idx on point_entries (tenant_id, agent_id, id);
-- What somebody is shown of it: a deed by itself is worth nothing.
create index point_entries_all_idx on point_entries (tenant_id, id) where points <> 0 or withheld > 0;
create index point_entries_shown_idx on point_entries (tenant_id, agent_id, id) where points <> 0 or withheld > 0;
-- What was given for a thing, to take it back.
create index point_entries_subject_idx on point_entries (tenant_id, subject) where source = 'deed';
create index point_entries_at_idx on point_entries (tenant_id, at);
call engine.wall('point_entries');
grant select, insert on point_entries to switchboard_app, switchboard_system;

-- What somebody has: kept beside the ledger, in the transaction of each of its rows.
create table point_totals (
  tenant_id uuid not null,
  agent_id uuid not null,
  -- All that was earned and not taken back.
  lifetime bigint not null default 0 constraint point_totals_lifetime check (lifetime >= 0),
  -- What went for rewards.
  spent bigint not null default 0 constraint point_totals_spent check (spent >= 0),
  -- What is left to spend.
  balance bigint not null default 0 constraint point_totals_balance check (balance >= 0),
  -- What was taken back after it had been spent: it comes off what is earned next.
  owed bigint not null default 0 constraint point_totals_owed check (owed >= 0),
  constraint point_totals_pkey primary key (tenant_id, agent_id),
  constraint point_totals_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint point_totals_sum check (lifetime - spent = balance - owed),
  constraint point_totals_either check (balance = 0 or owed = 0)
) with (fillfactor = 70);
create index point_totals_lifetime_idx on point_totals (tenant_id, lifetime desc, agent_id);
call engine.wall('point_totals');
grant select, insert, update on point_totals to switchboard_app, switchboard_system;

-- What was earned on a day of the tenant's zone and not taken back, in which team.
create table point_days (
  tenant_id uuid not null,
  day date not null,
  agent_id uuid not null,
  -- The nil id for none.
  team_id uuid not null,
  points bigint not null,
  deeds bigint not null,
  constraint point_days_pkey primary key (tenant_id, day, agent_id, team_id),
  constraint point_days_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
create index point_days_agent_idx on point_days (tenant_id, agent_id, day);
call engine.wall('point_days');
grant select, insert, update on point_days to switchboard_app, switchboard_system;

-- What was earned in a team ever.
create table point_team_totals (
  tenant_id uuid not null,
  team_id uuid not null,
  agent_id uuid not null,
  points bigint not null,
  constraint point_team_totals_pkey primary key (tenant_id, team_id, agent_id),
  constraint point_team_totals_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
create index point_team_totals_agent_idx on point_team_totals (tenant_id, agent_id);
call engine.wall('point_team_totals');
grant select, insert, update on point_team_totals to switchboard_app, switchboard_system;

-- What a rule gave somebody on a day, for its caps.
create table point_rule_days (
  tenant_id uuid not null,
  rule_id uuid not null,
  agent_id uuid not null,
  day date not null,
  points bigint not null,
  times bigint not null,
  constraint point_rule_days_pkey primary key (tenant_id, agent_id, rule_id, day),
  constraint point_rule_days_rule_fkey foreign key (tenant_id, rule_id) references point_rules (tenant_id, id),
  constraint point_rule_days_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
call engine.wall('point_rule_days');
grant select, insert, update on point_rule_days to switchboard_app, switchboard_system;

-- How often somebody has done something, for badges.
create table deed_totals (
  tenant_id uuid not null,
  agent_id uuid not null,
  deed text not null,
  n bigint not null,
  constraint deed_totals_pkey primary key (tenant_id, agent_id, deed),
  constraint deed_totals_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
call engine.wall('deed_totals');
grant select, insert, update on deed_totals to switchboard_app, switchboard_system;

-- Where one stands by what one has ever earned.
create table tiers (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  threshold bigint not null constraint tiers_threshold check (threshold >= 0),
  -- What it brings, in words for people.
  benefits text[] not null default '{}',
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  -- One that is gone stays for who has come to it.
  retired_at timestamptz,
  constraint tiers_pkey primary key (tenant_id, id)
);
create unique index tiers_name_key on tiers (tenant_id, name) where retired_at is null;
create unique index tiers_threshold_key on tiers (tenant_id, threshold) where retired_at is null;
call engine.wall('tiers');
grant select, insert, update on tiers to switchboard_app, switchboard_system;

-- Who has come to which tier, told once.
create table tier_advances (
  tenant_id uuid not null,
  agent_id uuid not null,
  tier_id uuid not null,
  at timestamptz not null default engine.now(),
  constraint tier_advances_pkey primary key (tenant_id, agent_id, tier_id),
  constraint tier_advances_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint tier_advances_tier_fkey foreign key (tenant_id, tier_id) references tiers (tenant_id, id)
);
call engine.wall('tier_advances');
grant select, insert on tier_advances to switchboard_app, switchboard_system;

create table badges (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  description text not null default '',
  -- Whether one may have it more than once, each time for another occasion.
  repeats boolean not null,
  -- It comes by itself for so many of these, and with `repeats` for each so many.
  deed text constraint badges_deed check (deed in ('call_answered', 'call_completed', 'lead_created', 'lead_converted')),
  every int constraint badges_every check (every between 1 and 1000000),
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  retired_at timestamptz,
  constraint badges_pkey primary key (tenant_id, id),
  constraint badges_by_itself check ((deed is null) = (every is null))
);
create unique index badges_name_key on badges (tenant_id, name) where retired_at is null;
call engine.wall('badges');
grant select, insert, update on badges to switchboard_app, switchboard_system;

create table badge_awards (
  tenant_id uuid not null,
  id uuid not null,
  badge_id uuid not null,
  agent_id uuid not null,
  -- What for: it is given once for each. Empty of a badge that one has once.
  occasion text not null,
  at timestamptz not null default engine.now(),
  by_id uuid,
  constraint badge_awards_pkey primary key (tenant_id, id),
  constraint badge_awards_occasion_key unique (tenant_id, badge_id, agent_id, occasion),
  constraint badge_awards_badge_fkey foreign key (tenant_id, badge_id) references badges (tenant_id, id),
  constraint badge_awards_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
create index badge_awards_agent_idx on badge_awards (tenant_id, agent_id, id);
call engine.wall('badge_awards');
grant select, insert on badge_awards to switchboard_app, switchboard_system;

-- How many of a badge somebody has.
create table badge_counts (
  tenant_id uuid not null,
  agent_id uuid not null,
  badge_id uuid not null,
  n bigint not null constraint badge_counts_n check (n > 0),
  constraint badge_counts_pkey primary key (tenant_id, agent_id, badge_id),
  constraint badge_counts_badge_fkey foreign key (tenant_id, badge_id) references badges (tenant_id, id),
  constraint badge_counts_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
call engine.wall('badge_counts');
grant select, insert, update on badge_counts to switchboard_app, switchboard_system;

-- Something to be reached each day, week or month of the tenant's zone.
create table challenges (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  description text not null default '',
  period text not null constraint challenges_period check (period in ('daily', 'weekly', 'monthly')),
  metric text not null constraint challenges_metric
    check (metric in ('points', 'call_answered', 'call_completed', 'lead_created', 'lead_converted')),
  target bigint not null constraint challenges_target check (target between 1 and 1000000000),
  -- Whose it is; everybody's if there is none. One that was deleted stays named.
  team_id uuid,
  -- Whether only those take part who have joined.
  by_joining boolean not null,
  reward_points int not null default 0 constraint challenges_reward check (reward_points between 0 and 100000),
  badge_id uuid,
  -- What was done before does not count, nor what is done from `ends_at` on.
  starts_at timestamptz not null,
  ends_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  retired_at timestamptz,
  constraint challenges_pkey primary key (tenant_id, id),
  constraint challenges_badge_fkey foreign key (tenant_id, badge_id) references badges (tenant_id, id),
  constraint challenges_span check (ends_at > starts_at)
);
create unique index challenges_name_key on challenges (tenant_id, name) where retired_at is null;
call engine.wall('challenges');
grant select, insert, update on challenges to switchboard_app, switchboard_system;

create table challenge_members (
  tenant_id uuid not null,
  challenge_id uuid not null,
  agent_id uuid not null,
  joined_at timestamptz not null default engine.now(),
  constraint challenge_members_pkey primary key (tenant_id, challenge_id, agent_id),
  constraint challenge_members_challenge_fkey foreign key (tenant_id, challenge_id) references challenges (tenant_id, id),
  constraint challenge_members_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
);
create index challenge_members_agent_idx on challenge_members (tenant_id, agent_id);
call engine.wall('challenge_members');
grant select, insert, delete on challenge_members to switchboard_app, switchboard_system;

-- One day, week or month of a challenge in which somebody has done something: from `starts_at` to before `ends_at`.
create table challenge_rounds (
  tenant_id uuid not null,
  challenge_id uuid not null,
  -- Its first day in the tenant's zone.
  day date not null,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- What it asks for, as the challenge did when it was opened: nobody loses what they have reached because that was changed.
  target bigint not null constraint challenge_rounds_target check (target between 1 and 1000000000),
  -- What comes later counts no more.
  closed_at timestamptz,
  constraint challenge_rounds_pkey primary key (tenant_id, challenge_id, day),
  constraint challenge_rounds_challenge_fkey foreign key (tenant_id, challenge_id) references challenges (tenant_id, id),
  constraint challenge_rounds_span check (ends_at > starts_at)
);
create index challenge_rounds_open_idx on challenge_rounds (tenant_id, ends_at) where closed_at is null;
call engine.wall('challenge_rounds');
grant select, insert, update on challenge_rounds to switchboard_app, switchboard_system;

create table challenge_scores (
  tenant_id uuid not null,
  challenge_id uuid not null,
  day date not null,
  agent_id uuid not null,
  progress bigint not null,
  -- When they had reached it.
  completed_at timestamptz,
  -- When they were given for it what there is, by which row of the ledger, and how often that was.
  claimed_at timestamptz,
  entry_id uuid,
  claims smallint not null default 0,
  constraint challenge_scores_pkey primary key (tenant_id, challenge_id, day, agent_id),
  constraint challenge_scores_round_fkey foreign key (tenant_id, challenge_id, day)
    references challenge_rounds (tenant_id, challenge_id, day),
  constraint challenge_scores_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint challenge_scores_claimed check (claimed_at is null or completed_at is not null)
) with (fillfactor = 70);
create index challenge_scores_agent_idx on challenge_scores (tenant_id, agent_id, day);
create index challenge_scores_rank_idx on challenge_scores (tenant_id, challenge_id, day, progress desc, agent_id);
call engine.wall('challenge_scores');
grant select, insert, update on challenge_scores to switchboard_app, switchboard_system;

-- Teams against each other, from `starts_at` to before `ends_at`.
create table competitions (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  description text not null default '',
  metric text not null constraint competitions_metric
    check (metric in ('points', 'call_answered', 'call_completed', 'lead_created', 'lead_converted')),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  -- For each who has scored for a team that wins.
  prize_points int not null default 0 constraint competitions_prize check (prize_points between 0 and 100000),
  badge_id uuid,
  -- When its standings were frozen, and when all had what they won.
  closed_at timestamptz,
  rewarded_at timestamptz,
  cancelled_at timestamptz,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  constraint competitions_pkey primary key (tenant_id, id),
  constraint competitions_badge_fkey foreign key (tenant_id, badge_id) references badges (tenant_id, id),
  constraint competitions_span check (ends_at > starts_at),
  constraint competitions_over check (closed_at is null or cancelled_at is null),
  constraint competitions_rewarded check (rewarded_at is null or closed_at is not null)
);
create index competitions_open_idx on competitions (tenant_id, ends_at, id)
  where closed_at is null and cancelled_at is null;
call engine.wall('competitions');
grant select, insert, update on competitions to switchboard_app, switchboard_system;

create table competition_teams (
  tenant_id uuid not null,
  competition_id uuid not null,
  -- One that was deleted stays named.
  team_id uuid not null,
  score bigint not null default 0,
  -- Written once, when it is closed.
  final_score bigint,
  final_rank int,
  joined_at timestamptz not null default engine.now(),
  constraint competition_teams_pkey primary key (tenant_id, competition_id, team_id),
  constraint competition_teams_competition_fkey foreign key (tenant_id, competition_id)
    references competitions (tenant_id, id),
  constraint competition_teams_final check ((final_score is null) = (final_rank is null))
) with (fillfactor = 70);
create index competition_teams_team_idx on competition_teams (tenant_id, team_id);
call engine.wall('competition_teams');
grant select, insert, update, delete on competition_teams to switchboard_app, switchboard_system;

-- What each has scored for a team.
create table competition_scores (
  tenant_id uuid not null,
  competition_id uuid not null,
  agent_id uuid not null,
  team_id uuid not null,
  score bigint not null,
  constraint competition_scores_pkey primary key (tenant_id, agent_id, competition_id, team_id),
  constraint competition_scores_team_fkey foreign key (tenant_id, competition_id, team_id)
    references competition_teams (tenant_id, competition_id, team_id),
  constraint competition_scores_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id)
) with (fillfactor = 70);
create index competition_scores_team_idx on competition_scores (tenant_id, competition_id, team_id, agent_id);
call engine.wall('competition_scores');
grant select, insert, update on competition_scores to switchboard_app, switchboard_system;

create table rewards (
  tenant_id uuid not null references tenants,
  id uuid not null,
  name text not null,
  description text not null default '',
  price int not null constraint rewards_price check (price between 1 and 100000000),
  -- How many are left; none for any number.
  stock int constraint rewards_stock check (stock >= 0),
  -- How many one person may have.
  most_each int constraint rewards_most_each check (most_each between 1 and 1000),
  -- The tier from which on it is there to be had.
  tier_id uuid,
  version bigint not null default 1,
  created_at timestamptz not null default engine.now(),
  retired_at timestamptz,
  constraint rewards_pkey primary key (tenant_id, id),
  constraint rewards_tier_fkey foreign key (tenant_id, tier_id) references tiers (tenant_id, id)
);
create unique index rewards_name_key on rewards (tenant_id, name) where retired_at is null;
call engine.wall('rewards');
grant select, insert, update on rewards to switchboard_app, switchboard_system;

create table redemptions (
  tenant_id uuid not null,
  id uuid not null,
  reward_id uuid not null,
  agent_id uuid not null,
  price int not null,
  state text not null default 'placed'
    constraint redemptions_state check (state in ('placed', 'fulfilled', 'cancelled')),
  -- The row of the ledger by which it was paid.
  entry_id uuid not null,
  at timestamptz not null default engine.now(),
  settled_at timestamptz,
  version bigint not null default 1,
  constraint redemptions_pkey primary key (tenant_id, id),
  constraint redemptions_reward_fkey foreign key (tenant_id, reward_id) references rewards (tenant_id, id),
  constraint redemptions_agent_fkey foreign key (tenant_id, agent_id) references agents (tenant_id, id),
  constraint redemptions_entry_fkey foreign key (tenant_id, entry_id) references point_entries (tenant_id, id),
  constraint redemptions_settled check ((state = 'placed') = (settled_at is null))
);
create index redemptions_agent_idx on redemptions (tenant_id, agent_id, id);
create index redemptions_reward_idx on redemptions (tenant_id, reward_id, agent_id) where state <> 'cancelled';
create index redemptions_open_idx on redemptions (tenant_id, id) where state = 'placed';
call engine.wall('redemptions');
grant select, insert, update on redemptions to switchboard_app, switchboard_system;
