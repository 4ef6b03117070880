-- Why somebody paused an account, in their words; and when its credentials were last tried out, so that a provider is
-- not asked without end.
alter table providers
  add column pause_why text,
  add column verify_asked_at timestamptz;
