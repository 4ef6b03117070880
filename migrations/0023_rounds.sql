-- How often a message was tried in vain, as far as that counts: not where an account was waited for, and once for all the
-- accounts that were asked one after the other. Jobs count as well, but a message that goes on to another account gets
-- another job.
alter table messages add column rounds int not null default 0;
