"""`./x upgrade`: the release before and this build on each other's schemas (docs/upgrades.md, "What is drilled").

Called with the binary of this build, the git reference of the release before, and `--only waits|data|old|new` for one of the four
steps; DATABASE_URL names a Postgres that is thrown away afterwards.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).parent
HOME = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "upgrade"
# Seconds that anybody may wait for a table.
MOST = 1.0


def say(words):
    print(words, flush=True)


def run(*command, cwd=ROOT, **env):
    subprocess.run([str(word) for word in command], check=True, cwd=cwd, env=os.environ | env)


def told(*command):
    return subprocess.run([str(word) for word in command], check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip()


def url(database):
    """DATABASE_URL with another database."""
    return urllib.parse.urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


def psql(database, *words):
    return ["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", url(database), *words]


def ask(database, query):
    return told(*psql(database, "-c", query))


def migrate(binary, database, *flags):
    run(binary, "migrate", *flags, DATABASE_URL=url(database))


def migrations(folder):
    return {int(path.name.split("_")[0]): path for path in sorted((folder / "migrations").glob("*.sql"))}


def release_before():
    """The newest tag; else the commit before the first migration above the baseline, or before the newest if none is."""
    if tags := told("git", "tag", "--list", "v*", "--sort=-v:refname", "--no-contains", "HEAD", "--merged", "HEAD").split():
        return tags[0]
    known, baseline = migrations(ROOT), int((ROOT / "tests" / "migrations" / "baseline").read_text())
    first = min((version for version in known if version > baseline), default=max(known))
    came = told("git", "log", "-1", "--first-parent", "-m", "--diff-filter=A", "--format=%H", "--", known[first])
    # One that is not committed yet comes behind all that is.
    return f"{came}~1" if came else "HEAD"


def check_out(ref):
    """The release before, in a folder of its own."""
    try:
        commit = told("git", "rev-parse", "--verify", f"{ref}^{{commit}}")
    except subprocess.CalledProcessError:
        sys.exit(f"there is no {ref}: name another commit, or fetch the history (git fetch --unshallow)")
    folder = HOME / "before"
    run("git", "worktree", "prune")
    if folder.exists():
        run("git", "checkout", "-q", "--force", "--detach", commit, cwd=folder)
    else:
        run("git", "worktree", "add", "-q", "--detach", folder, commit)
    say(f"The release before is {ref} ({commit[:10]}).")
    return folder


def worst(since, until):
    """The longest wait between two instants: seconds, and whose it was."""
    found = ask("large", "select round(extract(epoch from ended - began), 3), who from drill.waits "
                f"where began < '{until}' and ended > '{since}' order by ended - began desc limit 1")
    seconds, who = found.split("|") if found else ("0", "nobody")
    return float(seconds), who


def judge(what, since, until):
    seconds, who = worst(since, until)
    say(f"  {what:44} longest wait {seconds:.3f} s ({who})")
    return seconds


def apply(file):
    """A file as `switchboard migrate` applies it; from when until when."""
    since = ask("large", "select clock_timestamp()")
    for _ in range(60):
        command = psql("large", "-1", "-c", "set lock_timeout = '500ms'", "-f", HERE / file)
        tried = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if tried.returncode == 0:
            break
        if "lock timeout" not in tried.stderr:
            sys.exit(f"{file} is refused: {tried.stderr}")
        time.sleep(0.5)
    else:
        sys.exit(f"{file} could not be applied")
    until = ask("large", "select clock_timestamp()")
    # Whoever waited to the end writes it down.
    time.sleep(2)
    return since, until


def migrate_under_load(now, before):
    """Migrates a large database under everybody's hands; says what is wrong."""
    ask("postgres", "create database large")
    migrate(before, "large")
    known = int(ask("large", "select max(version) from _sqlx_migrations"))
    say("A million leads, messages, jobs that wait, finished ones, users and entries of the audit log are made.")
    run(*psql("large", "-f", HERE / "large.sql"))
    run(*psql("large", "-c", "vacuum analyze"))
    names = ask("large", "select who from drill.work").split("\n")
    calls = ["call drill.read_at_leisure()", *(f"call drill.keep_working('{name}')" for name in names)]
    workers = [subprocess.Popen(psql("large", "-c", call)) for call in calls]
    try:
        deadline = time.monotonic() + 60
        while int(ask("large", "select count(distinct who) from drill.waits")) < len(names):
            if time.monotonic() > deadline:
                return ["those who were to work meanwhile did not begin"]
            time.sleep(0.5)
        since = ask("large", "select clock_timestamp()")
        migrate(now, "large")
        time.sleep(2)
        wrong = measured(known, since)
        seconds = judge("sample.sql", *apply("sample.sql"))
        if seconds > MOST:
            wrong.append(f"who waited for sample.sql waited for {seconds} s")
        if judge("slow.sql, which has to be seen", *apply("slow.sql")) <= MOST:
            wrong.append("slow.sql held everybody up and was not seen: what is measured here says nothing")
        if any(worker.poll() is not None for worker in workers):
            wrong.append("somebody who worked meanwhile was broken off: what they use was taken away")
        return wrong
    finally:
        ask("large", "update drill.over set is_over = true")
        for worker in workers:
            worker.wait(timeout=60)


def measured(known, since):
    """What is wrong with the migrations that were applied since then."""
    wrong, files = [], migrations(ROOT)
    steps = ask("large", "select version, installed_on, installed_on + execution_time / 1000 * interval '1 microsecond' "
                f"from _sqlx_migrations where version > {known} order by version")
    for step in steps.splitlines():
        version, recorded, ended = step.split("|")
        file = files[int(version)]
        # It is recorded as its transaction begins; without one, when it is done.
        until = recorded if file.read_text().startswith("-- no-transaction") else ended
        seconds = judge(file.name, since, until)
        if seconds > MOST:
            wrong.append(f"who waited for {file.name} waited for {seconds} s")
        since = until
    return wrong


def read_each_other(now, before):
    """What one build writes the other reads, and the first again: the demo, which logs in and adds up what it finds."""
    wrong = []
    data = HOME / "data"
    shutil.rmtree(data, ignore_errors=True)
    builds = {"the release before": before, "this build": now}
    for number, (first, then) in enumerate([("the release before", "this build"), ("this build", "the release before")]):
        database = f"written_{number}"
        ask("postgres", f"create database {database}")
        env = os.environ | {"DATABASE_URL": url(database), "SWITCHBOARD_DATA_DIR": str(data / database)}
        for turn, reader in enumerate((first, then, first)):
            command = ["timeout", "600", builds[reader], "demo", "--once"]
            ended = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True)
            if ended.returncode:
                say(ended.stdout)
                wrong.append(f"{reader} fails on what {first} has written" if turn else f"the demo of {reader} fails")
                break
        else:
            say(f"  {then} reads what {first} has written, and {first} reads it again")
    return wrong


def tests(folder, *words, **env):
    """Runs tests as `./x test` does; whether all went well."""
    runner = ["nextest", "run"] if shutil.which("cargo-nextest") else ["test"]
    command = ["cargo", *runner, "--workspace", "--no-fail-fast", *words]
    return subprocess.run(command, cwd=folder, env=os.environ | env).returncode == 0


def suite(what, folder, **env):
    say(f"The suite of {what}.")
    apart = [name for name in (HERE / "apart.txt").read_text().split("\n") if name and not name.startswith("#")]
    skipped = [word for name in apart for word in ("--skip", name)]
    return [] if tests(folder, "--", *skipped, **env) else [f"the suite of {what} fails"]


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("binary", type=pathlib.Path)
    parser.add_argument("ref", nargs="?")
    parser.add_argument("--only", choices=("waits", "data", "old", "new"))
    wishes = parser.parse_args()
    now = wishes.binary.resolve()
    HOME.mkdir(parents=True, exist_ok=True)
    folder = check_out(wishes.ref or release_before())
    fresh = [path.name for version, path in migrations(ROOT).items() if version not in migrations(folder)]
    say(f"Migrations since then: {', '.join(fresh) or 'none; only sample.sql'}")
    build = HOME / "build"
    before = build / "debug" / "switchboard"
    old = {"CARGO_TARGET_DIR": str(build), "TEST_BINARY": str(before)}
    run("cargo", "build", "--bin", "switchboard", cwd=folder, **old)
    wrong = migrate_under_load(now, before) if wishes.only in (None, "waits") else []
    if wishes.only in (None, "data"):
        wrong += read_each_other(now, before)
    if wishes.only in (None, "old", "new"):
        wrong += both_suites(now, folder, old, wishes.only)
    for line in wrong:
        say(f"WRONG: {line}")
    holds = f"Of the upgrade this holds: {wishes.only}." if wishes.only else "The upgrade holds."
    say("The upgrade does not hold." if wrong else holds)
    return bool(wrong)


def both_suites(now, folder, old, only):
    """Runs each build's suite on the other's schema; says what is wrong."""
    # The first test that wants a database makes the template of which all others get copies. A copy of it as the release
    # before made it is expanded for our suite; then it is brought up to date for theirs.
    if not tests(folder, "manifest::", **old):
        sys.exit("the release before has no good tests of its own schema: name a commit whose suite is green")
    template = ask("postgres", "select datname from pg_database where datname ~ '^template_[0-9a-f]+$'")
    ask("postgres", f"create database expanded template {template}")
    migrate(now, "expanded", "--expand")
    migrate(now, template)
    run(*psql(template, "-1", "-f", HERE / "sample.sql"))
    wrong = []
    if only != "new":
        wrong += suite("the release before, on the schema of this build", folder, **old)
    if only != "old":
        wrong += suite(
            "this build, on the schema of the release before, expanded", ROOT, TEST_BINARY=str(now), TEST_TEMPLATE="expanded"
        )
    return wrong


sys.exit(main())
