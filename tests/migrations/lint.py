"""Refuses migrations that would hold up, or break, the processes of the release before.

Plain rules on text, for every file numbered above tests/migrations/baseline: what came before never met data.
`--self-test` tries each rule on the files of tests/migrations/samples.
"""
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
NAME = r'((?:"?\w+"?\.)?"?\w+"?)'
STEADY = re.compile(r"now\(\)|current_\w+|'[^']*'(?:::[\w\[\] ]+)?|-?[\d.]+|true|false|null")
LOCK = re.compile(r"\block_timeout\b")
CONCURRENT = re.compile(r"(?:create (?:unique )?index|drop index) concurrently ")
AGAIN = re.compile(r"\bindex\s+concurrently\s+if\s+not\s+exists\s+[a-z_][a-z0-9_]{0,62}\s+on\b")
CONTRACTS = re.compile(r"(?:\d+_)?contract_since_\d{4}(?:_\w+)?\.sql")
RENAME = "no two releases can use both names: add the new one, write both, drop the old one later"
CONTRACT = "the release before still uses it: wait for the one that does not, and call the file " \
    "`contract_since_<last migration of the release that stopped using it>_<what goes>`"
UNIQUE = "builds an index under a lock: `create unique index concurrently` in a file of its own, " \
    "then `add constraint … using index`"


def statements(text):
    """Statements in small letters without comments; what stands within quotes and dollars ends none."""
    parts, one = [], ""
    token = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|(\$\w*\$).*?\1|;|.", re.S)
    for found in token.finditer(text):
        piece = found.group()
        if piece.startswith(("--", "/*")):
            one += " "
        elif piece == ";":
            parts.append(one)
            one = ""
        else:
            one += piece
    parts.append(one)
    return [flat for flat in (" ".join(part.lower().split()) for part in parts) if flat]


def clauses(text):
    """What stands between commas outside brackets and quotes."""
    depth, quoted, one = 0, False, ""
    for sign in text:
        quoted ^= sign == "'"
        depth += 0 if quoted else (sign == "(") - (sign == ")")
        if sign == "," and not depth and not quoted:
            yield one.strip()
            one = ""
        else:
            one += sign
    yield one.strip()


def added_column(rest):
    default = re.search(r"\bdefault (.+?)(?= not null\b| null\b| check\b| references\b| constraint\b|$)", rest)
    if re.search(r"\bgenerated\b|\b(?:small|big)?serial\b", rest):
        yield "computed", "rewrites the table: add it nullable, fill it in batches from a job"
    if re.search(r"\bnot null\b", rest) and not default:
        yield "not-null", "fails on rows that are there: add it nullable or with a constant default"
    if default and not STEADY.fullmatch(default[1]):
        yield "volatile", "a default that is no constant rewrites the table: add it without, set the default in a " \
            "statement of its own, fill old rows in batches"
    if re.search(r"\bcheck ?\(|\breferences\b", rest):
        yield "inline-check", "checks every row under a lock: add the constraint by itself, `not valid`"
    if re.search(r"\bunique\b|\bprimary key\b", rest):
        yield "unique", UNIQUE


def altered(table, clause, contract, checked):
    if found := re.match(r"add (?:column )?(?:if not exists )?(?!constraint |check|foreign |unique|primary |exclude)(\w.*)", clause):
        yield from added_column(found[1])
    elif clause.startswith("add "):
        if re.search(r"\b(?:unique|primary key)\b", clause) and " using index " not in clause:
            yield "unique", UNIQUE
        elif re.search(r"\bexclude\b", clause):
            yield "exclude", "builds an index under a lock and cannot do otherwise: make a new table"
        elif re.search(r"\b(?:check|foreign key)\b", clause) and not clause.endswith("not valid"):
            yield "not-valid", "checks every row under a lock: end it with `not valid`, and `validate constraint` in a later file"
    elif re.match(r"alter (?:column )?\w+ (?:set data )?type\b", clause):
        yield "type", "rewrites the table and breaks the release before: add a column, write both, drop the old one later"
    elif found := re.match(r"alter (?:column )?(\w+) set not null", clause):
        if (table, found[1]) not in checked:
            yield "set-not-null", "reads every row under a lock: first `add constraint … check (column is not null) not valid`, " \
                "then `validate constraint` in a later file, then this"
    elif re.match(r"rename (?!constraint\b)", clause):
        yield "rename", RENAME
    elif re.match(r"drop (?!constraint\b)", clause) and not contract:
        yield "contract", CONTRACT


class History:
    """Checks that earlier files made and validated, by table and column."""

    def __init__(self):
        self.checks, self.valid = {}, set()

    def learn(self, text):
        for one in statements(text):
            if found := re.match(rf"alter table (?:if exists )?(?:only )?{NAME} (.*)", one):
                for clause in clauses(found[2]):
                    if made := re.match(r"add constraint (\w+) check ?\( ?\(?(\w+) is not null\)? ?\)", clause):
                        self.checks[found[1], made[1]] = made[2]
                        if not clause.endswith("not valid"):
                            self.valid.add((found[1], made[2]))
                    elif done := re.match(r"validate constraint (\w+)", clause):
                        if column := self.checks.get((found[1], done[1])):
                            self.valid.add((found[1], column))


def wrong(name, text, history):
    """Rule and advice for everything that is wrong with a file."""
    all_of_it, alone = statements(text), text.startswith("-- no-transaction")
    contract = CONTRACTS.fullmatch(name)
    fresh, late = set(), set()
    if alone and len(all_of_it) != 1:
        yield "alone", "several statements are sent as one transaction: one statement for each `-- no-transaction` file"
    if alone and not all(CONCURRENT.match(one) for one in all_of_it):
        yield "needless", "only indexes that are made or dropped concurrently need none; all else is rolled back within one when it fails"
    if any(LOCK.search(one) for one in all_of_it):
        yield "lock-timeout", "`switchboard migrate` sets it and tries again: who waits longer holds up all behind him"
    if "contract_since" in name and not contract:
        yield "name", "builds read it: `contract_since_<four digits>_<what goes>.sql`"
    for one in all_of_it:
        if found := re.match(rf"create (?:unlogged )?table (?:if not exists )?{NAME}", one):
            fresh.add(found[1])
        elif found := re.match(rf"create (?:unique )?index (concurrently )?.*?\bon (?:only )?{NAME}", one):
            if found[2] in fresh:
                continue
            if re.search(r" on only ", one):
                # The one of a partitioned table, which those of its partitions are attached to: nothing is read for it.
                continue
            if not found[1]:
                yield "index", "holds up every write: `create index concurrently`, alone in a file that begins with `-- no-transaction`"
            elif not AGAIN.search(text.lower()):
                yield "again", "`if not exists` and a bare name: it may be tried again after it was made and before that was written " \
                    "down, and what is half made is found by its name"
            elif not alone:
                yield "no-transaction", "concurrently works in no transaction: the file's first line is `-- no-transaction`"
        elif found := re.match(r"drop index (concurrently )?", one):
            if not found[1] or not alone:
                yield "drop-index", "`drop index concurrently`, alone in a file that begins with `-- no-transaction`"
        elif re.match(r"drop (?:table|view|schema|type|materialized|function|procedure|sequence|domain)\b", one):
            if not contract:
                yield "contract", CONTRACT
        elif re.match(r"alter (?:view|type|function|procedure|sequence|schema) .*\brename\b", one):
            yield "rename", RENAME
        elif found := re.match(rf"(?:update|delete from) (?:only )?{NAME}", one):
            if found[1] not in fresh:
                yield "rows", "holds every row until the end: change them in batches, from a job"
        elif found := re.match(rf"alter table (?:if exists )?(?:only )?{NAME} (.*)", one):
            if found[1] in fresh:
                continue
            for clause in clauses(found[2]):
                if made := re.match(r"add constraint (\w+) .*not valid$", clause):
                    late.add(made[1])
                if (done := re.match(r"validate constraint (\w+)", clause)) and done[1] in late:
                    yield "validate", "under the lock of what was added before: validate in a later file"
                yield from altered(found[1], clause, contract, history.valid)


def self_test():
    failed, history = [], History()
    history.learn("alter table leads add constraint leads_city_there check (city is not null) not valid;"
                  "alter table leads validate constraint leads_city_there")
    for path in sorted((HERE / "samples").rglob("*.sql")):
        rule, _, rest = path.name.partition(".")
        name, due = (path.name, set()) if path.parent.name == "good" else (rest, {rule})
        said = {rule for rule, _ in wrong(name, path.read_text(), history)}
        if said != due:
            failed.append(f"{path}: {sorted(said)} instead of {sorted(due)}")
    return failed


def main():
    failed = self_test() if "--self-test" in sys.argv else []
    baseline, history = int((HERE / "baseline").read_text()), History()
    for path in sorted((HERE.parent.parent / "migrations").glob("*.sql")):
        text = path.read_text()
        if int(path.name.split("_")[0]) > baseline:
            failed += [f"{path.name}: {rule}: {advice}" for rule, advice in wrong(path.name, text, history)]
        history.learn(text)
    for line in failed:
        print(line, file=sys.stderr)
    sys.exit(bool(failed))


main()
