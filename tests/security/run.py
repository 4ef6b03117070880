"""The security suite: `./x security`. Each row is what docs/security.md promises to be checked by.

    run.py BINARY SCHEMA_HOME [--json] [--long]

Prints a table; with --json the last line is an object of each row's cases and failures. A test says how many cases it
tried in a line `security-cases N`; one that says nothing is one case. Ends with 0 if nothing failed. What cannot be
looked at on this machine is said to be skipped, and is no case.

--long: 20 times as many inputs for the readers, more requests for each route, and a rotation of 100,000 values.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs/security.md"
# Sections of the page, and the row that each is.
STANDARDS = {"OWASP API Security Top 10": "owasp_api", "ASVS 5.0": "asvs"}
TEST = re.compile(r"`([\w./-]+\.rs)::(\w+)`")
LONG_CASES = 40_000


@dataclass
class Row:
    what: str
    cases: int = 0
    failures: int = 0
    skipped: str | None = None
    tests: list[tuple[str, str]] = field(default_factory=list)

    def said(self) -> dict:
        said = {"cases": self.cases, "failures": self.failures}
        return said | ({"skipped": self.skipped} if self.skipped else {})


def main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("binary")
    parser.add_argument("schema_home")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--long", action="store_true")
    wishes = parser.parse_args()
    rows = {"schema": Row("made-up requests to everything that the API describes: no answer is a 5xx")}
    for name, row in tomllib.loads((HERE / "rows.toml").read_text()).items():
        rows[name] = Row(row["what"], tests=[tuple(test.split("::")) for test in row["tests"]])
    rows |= standards(PAGE.read_text())
    run_tests(rows, wishes.long)
    if wishes.long:
        rotate_much(rows["rotation"])
    made_up_requests(rows["schema"], wishes)
    rows["dependencies"] = dependencies()
    rows["unsafe"] = no_unsafe()
    width = max(map(len, rows))
    for name, row in rows.items():
        told = f"skipped: {row.skipped}" if row.skipped else ""
        print(f"{name:{width}}  {row.cases:>7} cases  {row.failures:>3} failures  {row.what}  {told}".rstrip())
    if wishes.json:
        print(json.dumps({name: row.said() for name, row in rows.items()}))
    return int(any(row.failures for row in rows.values()))


def standards(page: str) -> dict[str, Row]:
    """The rows of the page's tables; an item without a test is a failure."""
    rows = {}
    for section in re.split(r"^## ", page, flags=re.M)[1:]:
        title, _, text = section.partition("\n")
        name = next((name for begin, name in STANDARDS.items() if title.startswith(begin)), None)
        if name is None:
            continue
        row = rows[name] = Row(f"{title}: each item by its tests", tests=list(dict.fromkeys(TEST.findall(text))))
        items = [line for line in text.splitlines() if re.match(r"\| \**(API)?\d", line)]
        for item in items:
            if not TEST.search(item):
                row.failures += 1
                complain(f"no test is named: {item}")
        if not items:
            row.failures += 1
            complain(f"{PAGE}: there is nothing under {title}")
    for name in STANDARDS.values():
        if name not in rows:
            rows[name] = Row("it is not in docs/security.md", failures=1)
    return rows


def place(path: str) -> tuple[str, str]:
    """The package that a file's tests are in, and how their names begin."""
    parts = Path(path).with_suffix("").parts
    match parts:
        case ("tests", "scenarios", *rest):
            package = "switchboard-tests"
        case ("tests", "bench", "tests", _):
            package, rest = "switchboard-bench", []
        case ("src", *rest):
            package = "switchboard"
        case (crate, "src", *rest):
            package = f"switchboard-{crate}"
        case _:
            sys.exit(f"no crate has tests in {path}")
    if rest and rest[-1] in ("mod", "lib", "main"):
        rest = rest[:-1]
    return package, "".join(f"{module}::" for module in rest)


def pattern(path: str, name: str) -> str:
    return rf"{place(path)[1]}(\w+::)*{name}"


def run_tests(rows: dict[str, Row], is_long: bool) -> None:
    wanted: dict[str, set[str]] = {}
    for path, name in (test for row in rows.values() for test in row.tests):
        file = ROOT / path
        if not file.is_file() or not re.search(rf"\bfn {name}\(", file.read_text()):
            complain(f"there is no test {name} in {path}")
            continue
        wanted.setdefault(place(path)[0], set()).add(pattern(path, name))
    chosen = " | ".join(
        f"(package(={package}) & test(/^({'|'.join(sorted(tests))})$/))" for package, tests in wanted.items()
    )
    told = target() / "nextest/security/junit.xml"
    told.unlink(missing_ok=True)
    env = os.environ | ({"PROPTEST_CASES": str(LONG_CASES)} if is_long else {})
    command = ["cargo", "nextest", "run", "--workspace", "--profile", "security", "--no-fail-fast", "-E", chosen]
    subprocess.run(command, cwd=ROOT, env=env, stdout=sys.stderr)
    results = read(told) if told.is_file() else {}
    for row in rows.values():
        for path, name in row.tests:
            package, form = place(path)[0], re.compile(pattern(path, name))
            found = [
                result
                for (binary, test), result in results.items()
                if binary.split("::")[0] == package and form.fullmatch(test)
            ]
            if not found:
                complain(f"it was not run: {path} {name}")
                found = [(1, False)]
            row.cases += sum(cases for cases, _ in found)
            row.failures += sum(not passed for _, passed in found)


def read(junit: Path) -> dict[tuple[str, str], tuple[int, bool]]:
    """By binary and name: how many cases a test tried, and whether it passed."""
    results = {}
    for case in ElementTree.parse(junit).iter("testcase"):
        said = "".join(output.text or "" for output in case.iter("system-out"))
        cases = sum(int(count) for count in re.findall(r"security-cases (\d+)", said))
        passed = case.find("failure") is None and case.find("error") is None
        results[case.get("classname", ""), case.get("name", "")] = (max(cases, 1), passed)
    return results


def rotate_much(row: Row) -> None:
    values = 100_000
    command = [target() / "release/switchboard-bench", "faults", "--long", "--only", "rotation", "--json"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    last = (done.stdout.splitlines() or ["{}"])[-1]
    finding = json.loads(last).get("rotation", {}) if last.startswith("{") else {}
    holds = done.returncode == 0 and finding.get("broken", "?") is None
    holds = holds and all(finding.get(count) == 0 for count in ("lost", "doubled", "early"))
    row.cases += values
    row.failures += int(not holds)


def made_up_requests(row: Row, wishes: argparse.Namespace) -> None:
    run = ROOT / "tests/schema/run.py"
    python = Path(wishes.schema_home) / "venv/bin/python"
    command = [python, run, wishes.binary, wishes.schema_home, *(["--long"] if wishes.long else [])]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    print(done.stdout, file=sys.stderr)
    counts = re.findall(r"(\d+) generated", done.stdout)
    row.cases = int(counts[-1]) if counts else 0
    if not counts:
        complain("schemathesis does not say how many requests it made")
    unique = re.findall(r"(\d+) unique failure", done.stdout)
    row.failures = max(int(unique[-1]) if unique else 0, int(done.returncode != 0 or not counts))


def dependencies() -> Row:
    row = Row("cargo-deny: bans, licences, sources, and advisories where their list can be had")
    if subprocess.run(["cargo", "deny", "--version"], capture_output=True).returncode != 0:
        row.skipped = "cargo-deny is not installed"
        return row
    for check in ["bans", "licenses", "sources", "advisories"]:
        command = ["cargo", "deny", "--log-level", "error", "check", check]
        done = subprocess.run(command, cwd=ROOT, stdout=sys.stderr, stderr=subprocess.PIPE, text=True)
        if check == "advisories" and done.returncode != 0 and "fetch" in done.stderr:
            row.skipped = "advisories: their list cannot be reached"
            continue
        print(done.stderr, file=sys.stderr)
        row.cases += 1
        row.failures += int(done.returncode != 0)
    return row


def no_unsafe() -> Row:
    row = Row("unsafe code is forbidden in every crate")
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text())
    forbids = workspace["workspace"]["lints"]["rust"]["unsafe_code"] == "forbid"
    manifests = [ROOT / "Cargo.toml"]
    manifests += [ROOT / member / "Cargo.toml" for member in workspace["workspace"]["members"]]
    for manifest in manifests:
        obeys = tomllib.loads(manifest.read_text()).get("lints", {}).get("workspace") is True
        row.cases += 1
        if not (forbids and obeys):
            row.failures += 1
            complain(f"{manifest} does not forbid unsafe code")
    return row


def target() -> Path:
    return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


def complain(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
