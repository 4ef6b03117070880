"""`./x upgrade`: the release before and this one on each other's schemas.

1. A database of the release before, with a million rows in each large table; this build migrates it while others read and
   write these rows. Nobody may wait for more than a second.
2. The suite of the release before, on the schema that this build has made of its own.
3. This build refuses the schema of the release before in words, and its suite runs on the schema before anything is taken
   away, if a migration since then takes something away.

Called with the binary of this build, the git reference of the release before (none: the newest tag `v*`, or if there is none
the commit before the newest migration), and DATABASE_URL naming a Postgres that is thrown away afterwards.
"""
import os
import pathlib
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).parent
MOST = 1.0
TENANT = "01900000-0000-7000-8000-000000000000"
ANY_ROW = "lpad(to_hex(1 + (random() * 999998)::int), 12, '0')"
# Who works meanwhile, on rows that are found by their keys, as nearly all are. Drawn once a statement (`select`).
WORK = {
    "reads leads": f"select from leads where tenant_id = '{TENANT}' and id = (select ('01910000-0000-7000-8000-' || {ANY_ROW})::uuid)",
    "writes leads": f"update leads set version = version + 1, updated_at = engine.now() where tenant_id = '{TENANT}' "
    f"and id = (select ('01910000-0000-7000-8000-' || {ANY_ROW})::uuid)",
    "reads messages": f"select from messages where tenant_id = '{TENANT}' and id = (select ('01920000-0000-7000-8000-' || {ANY_ROW})::uuid)",
    "writes messages": f"update messages set error_text = 'drill' where tenant_id = '{TENANT}' "
    f"and id = (select ('01920000-0000-7000-8000-' || {ANY_ROW})::uuid)",
    "reads jobs": f"select from engine.job_history where tenant_id = '{TENANT}' and id = (select ('01940000-0000-7000-8000-' || {ANY_ROW})::uuid)",
    "writes jobs": f"insert into engine.job_history (id, tenant_id, lane, created_at, finished_at, timeout_ms, attempt, max_attempts, "
    f"watched, spread, state, args, actor) values (gen_random_uuid(), '{TENANT}', 1, engine.now(), engine.now(), 60000, 1, 5, false, "
    "false, 'completed', '{}', '{}')",
    "reads audit": f"select from audit_log where tenant_id = '{TENANT}' and at > engine.now() - interval '1 minute' limit 20",
    "writes audit": f"insert into audit_log (tenant_id, id, actor_kind, action, resource, outcome) "
    f"values ('{TENANT}', gen_random_uuid(), 'system', 'update', 'lead', 'done')",
}


def say(words):
    print(words, flush=True)


def run(*command, env=None, cwd=ROOT):
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, env={**os.environ, **(env or {})})


def told(*command, cwd=ROOT):
    return subprocess.run([str(word) for word in command], check=True, cwd=cwd, capture_output=True, text=True).stdout.strip()


def url(database):
    """DATABASE_URL with another database."""
    parts = urllib.parse.urlsplit(os.environ["DATABASE_URL"])
    return parts._replace(path=f"/{database}").geturl()


def psql(database, *words):
    return ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", url(database), *words]


def ask(database, query):
    return told(*psql(database, "-c", query))


def migrations(folder):
    return sorted(path.name for path in (folder / "migrations").glob("*.sql"))


def reference():
    if len(sys.argv) > 2:
        return sys.argv[2]
    if tags := told("git", "tag", "--list", "v*", "--sort=-v:refname").split():
        return tags[0]
    newest = migrations(ROOT)[-1]
    if made := told("git", "log", "--diff-filter=A", "--format=%H", "-1", "--", f"migrations/{newest}"):
        return f"{made}^"
    return "HEAD"


def built_before(ref, home):
    """A folder with the release before, and its binary."""
    folder = home / "before"
    commit = told("git", "rev-parse", "--verify", f"{ref}^{{commit}}")
    run("git", "worktree", "prune")
    if folder.exists():
        run("git", "checkout", "-q", "--detach", commit, cwd=folder)
    else:
        run("git", "worktree", "add", "-q", "--detach", folder, commit)
    say(f"The release before is {ref} ({commit[:10]}); building it.")
    run("cargo", "build", "-q", "--bin", "switchboard", cwd=folder, env=before_env(home))
    return folder, home / "build" / "debug" / "switchboard"


def before_env(home):
    return {"CARGO_TARGET_DIR": str(home / "build"), "SQLX_OFFLINE": "true"}


def migrated_at_work(now, before):
    """Migrates a large database under everybody's hands; answers what is wrong."""
    ask("postgres", "create database grown")
    run(before, "migrate", env={"DATABASE_URL": url("grown")})
    say("A million rows for each large table.")
    run(*psql("grown", "-f", HERE / "fill.sql"))
    run(*psql("grown", "-c", "vacuum analyze"))
    known = int(ask("grown", "select max(version) from _sqlx_migrations"))
    calls = ["call drill.read_at_leisure()"]
    calls += ["call drill.work({}, {})".format(quoted(who), quoted(statement)) for who, statement in WORK.items()]
    workers = [subprocess.Popen(psql("grown", "-c", call)) for call in calls]
    try:
        waited = 0
        while int(ask("grown", "select count(distinct who) from drill.waits")) < len(WORK):
            if waited > 600 or any(worker.poll() is not None for worker in workers):
                return ["those who were to work meanwhile did not begin"]
            time.sleep(0.1)
            waited += 1
        run(now, "migrate", env={"DATABASE_URL": url("grown")})
        time.sleep(1)
        ended = [worker for worker in workers if worker.poll() is not None]
        if ended:
            return [f"{len(ended)} of those who worked meanwhile were broken off: what they use was taken away"]
    finally:
        ask("grown", "update drill.over set is_over = true")
        for worker in workers:
            worker.wait(timeout=60)
    return judged(known)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def judged(known):
    """The longest wait within each migration, and in the pauses before it where it was tried in vain."""
    rows = ask(
        "grown",
        f"""with steps as (
              select version, description, execution_time / 1e9 as took,
                     lag(installed_on + execution_time / 1000 * interval '1 microsecond') over (order by version) as after,
                     installed_on + execution_time / 1000 * interval '1 microsecond' as until
                from _sqlx_migrations)
            select s.version, s.description, round(s.took::numeric, 3),
                   coalesce(round(max(extract(epoch from w.ended - w.began)), 3), 0),
                   coalesce((array_agg(w.who order by w.ended - w.began desc))[1], 'nobody'), count(w)
              from steps s left join drill.waits w on w.began < s.until and w.ended > s.after
             where s.version > {known} group by 1, 2, 3 order by 1""",
    )
    wrong = []
    say("\nmigration                                        took s  longest wait s  of            statements")
    for row in rows.splitlines():
        version, description, took, longest, who, count = row.split("|")
        say(f"{int(version):04} {description[:42]:42}  {took:>7}  {longest:>14}  {who:14}{count:>10}")
        if float(longest) > MOST:
            wrong.append(f"migration {version}: who {who} waited for {longest} s")
    longest = float(ask("grown", "select max(extract(epoch from ended - began)) from drill.waits"))
    say(f"the longest wait of all: {longest:.3f} s of {MOST:.0f} s\n")
    if longest > MOST and not wrong:
        wrong.append(f"somebody waited for {longest:.3f} s")
    return wrong


def refused(now, before):
    """Whether this build says what is the matter with the schema of the release before."""
    ask("postgres", "create database former")
    run(before, "migrate", env={"DATABASE_URL": url("former")})
    environment = {
        **os.environ, "DATABASE_URL": url("former"), "SWITCHBOARD_KEY": "A" * 43 + "=",
        "SWITCHBOARD_DATA_DIR": os.environ["TEST_FOLDER"] + "/former",
    }
    command = [now, "serve", "--role", "worker"]
    try:
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    except subprocess.TimeoutExpired:
        return ["this build begins to work on the schema of the release before"]
    if ended.returncode != 4 or "switchboard migrate" not in ended.stderr:
        return [f"on the schema of the release before this build ends with {ended.returncode}: {ended.stderr.strip()}"]
    return []


def suite(folder, env, what):
    apart = [line for line in (HERE / "apart.txt").read_text().split("\n") if line and not line.startswith("#")]
    chosen = " and ".join(f"not test(/^{part}/)" for part in apart)
    say(f"The suite of {what}.")
    command = ["cargo", "nextest", "run", "--workspace", "--no-fail-fast", "-E", chosen]
    ended = subprocess.run(command, cwd=folder, env={**os.environ, **env})
    return [] if ended.returncode == 0 else [f"the suite of {what} fails"]


def suite_before(now, folder, binary, home):
    env = {**before_env(home), "TEST_BINARY": str(binary)}
    # A test makes the template that all others work on copies of; this build brings it up to date before they do.
    run("cargo", "nextest", "run", "-p", "switchboard-tests", "-E", "test(/^manifest::/)", cwd=folder, env=env)
    template = ask("postgres", r"select datname from pg_database where datname ~ '^template_[0-9a-f]+$'")
    run(now, "migrate", env={"DATABASE_URL": url(template)})
    return suite(folder, env, "the release before, on the schema of this build")


def main():
    now = pathlib.Path(sys.argv[1]).resolve()
    home = ROOT / "target" / "upgrade"
    home.mkdir(parents=True, exist_ok=True)
    folder, before = built_before(reference(), home)
    fresh = [name for name in migrations(ROOT) if name not in migrations(folder)]
    if not fresh:
        say("No migration was added since then: nothing to drill.")
        return 0
    say(f"New since then: {', '.join(fresh)}")
    wrong = migrated_at_work(now, before) + refused(now, before) + suite_before(now, folder, before, home)
    if any("_contract_since_" in name for name in fresh):
        wrong += suite(ROOT, {"TEST_EXPANDED": "1", "TEST_BINARY": str(now)}, "this build, before anything is taken away")
    else:
        say("Nothing is taken away: the schema before that is the one on which `./x test` runs.")
    for line in wrong:
        say(f"WRONG: {line}")
    say("The upgrade does not hold." if wrong else "The upgrade holds.")
    return 1 if wrong else 0


sys.exit(main())
