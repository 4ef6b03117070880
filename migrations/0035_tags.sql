-- An index over tags finds nothing behind the tenant wall: `@>` on arrays is not leakproof, so that Postgres reads by the
-- tenant first and asks it of each row, while every enqueued job paid for the entries (a sixth of an insert with two tags).
-- Tags are looked for from the newest job back, a part of the past at a time.
-- A function that looks past the wall would use it, but through entries of all tenants: a tag that is rare with one and
-- common with others would take as long as theirs.
drop index engine.jobs_tags_idx;
drop index engine.job_history_tags_idx;
