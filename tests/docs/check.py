"""What the pages name is there: `./x lint` runs it.

Of every page (*.md): relative links and their anchors; commands of `./x`, as its usage lists them, and of `switchboard`, as
docs/cli.md lists them (a test of src/cli compares that page with the program); settings, all of which docs/operations.md
explains; paths of the API; files in backticks. The changelog tells of what was, so only its links are looked at. Ends with 1
and a line for each that is missing.
"""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src", "workers", "workflows", "domain", "engine", "paper", "migrations", "tests", "deploy", "docs", "clients")
PAST = {"CHANGELOG.md"}
# Texts that are signed, and no commands.
SIGNED = {"switchboard log archive"}

FENCE = re.compile(r"^\s*(```|~~~)")
LINK = re.compile(r"\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
SPAN = re.compile(r"`([^`]+)`")
X = re.compile(r"\./x ([a-z]+)(?: ([a-z]+))?")
COMMAND = re.compile(r"(?:^|[$(|;]\s*)switchboard ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?")
SETTING = re.compile(r"\bSWITCHBOARD_([A-Z][A-Z_]*[A-Z])\b(?!_?…)")
API = re.compile(r"/api/v1(?:/[\w{}<>….-]+)*")
FILE = re.compile(rf"^(?:{'|'.join(FOLDERS)})(?:/[\w.-]+)+/?(?=$|:)")


def pages() -> list[Path]:
    """The pages of the repository, those that are not committed yet among them."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    return [ROOT / line for line in sorted(set(listed.stdout.splitlines())) if (ROOT / line).exists()]


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as forges make them."""
    found: dict[str, int] = {}
    made = set()
    for _, text, is_code in lines(page):
        if is_code or not (heading := re.match(r"#{1,6}\s+(.*?)\s*#*$", text)):
            continue
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading[1]).lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        times = found.get(slug, 0)
        found[slug] = times + 1
        made.add(f"{slug}-{times}" if times else slug)
    return made


@cache
def lines(page: Path) -> tuple[tuple[int, str, bool], ...]:
    """Number and text of each line, and whether it is code."""
    is_fenced, before_is_blank, is_indented, read = False, True, False, []
    for number, text in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if FENCE.match(text):
            is_fenced = not is_fenced
            read.append((number, "", True))
            continue
        # Indented code begins behind an empty line; elsewhere an indented line goes on with the one before.
        is_indented = text.startswith("    ") and (before_is_blank or is_indented)
        before_is_blank = not text.strip()
        is_code = is_fenced or is_indented
        # A span of code may go on in the next line.
        if read and not is_code and not read[-1][2] and read[-1][1].count("`") % 2:
            text, read[-1] = f"{read[-1][1]} {text.strip()}", (number - 1, "", False)
        read.append((number, text, is_code))
    return tuple(read)


def usage() -> tuple[set[str], set[str]]:
    """The commands of `./x`, and its benches."""
    text = (ROOT / "x").read_text(encoding="utf-8")
    listed = re.findall(r"^\./x ([a-z]+)(?: ([a-z]+))?", text, re.MULTILINE)
    return {name for name, _ in listed}, {bench for name, bench in listed if name == "bench" and bench}


def commands() -> dict[str, set[str] | None]:
    """The commands that docs/cli.md lists; of a group what stands below it."""
    listed: dict[str, list[str]] = {}
    for _, text, is_code in lines(ROOT / "docs/cli.md"):
        if is_code and (command := COMMAND.match(text.strip())):
            listed.setdefault(command[1], []).append(command[2] or "")
    groups = {name: set(below) if all(below) else None for name, below in listed.items()}
    return {**groups, "help": None}


def has_path(asked: str, paths: list[list[str]]) -> bool:
    """Whether the API has a path, or one that begins so; what stands in braces, or is left out, stands for anything."""
    wanted = asked.rstrip("/.").split("/")
    same = lambda one, other: one == other or "{" in other or one[:1] in "{<…"  # noqa: E731
    return any(len(wanted) <= len(path) and all(map(same, wanted, path)) for path in paths)


def main() -> int:
    targets, benches = usage()
    groups = commands()
    settings = (ROOT / "src/config.rs").read_text(encoding="utf-8")
    described = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
    paths = [path.split("/") for path in described["paths"]]
    wrong = []

    def demand(holds: bool, page: Path, number: int, what: str) -> None:
        if not holds:
            wrong.append(f"{page.relative_to(ROOT)}:{number}: {what}")

    for page in pages():
        is_past = str(page.relative_to(ROOT)) in PAST
        for number, text, is_code in lines(page):
            if not is_code:
                for target in LINK.findall(SPAN.sub("``", text)):
                    if re.match(r"[a-z]+:|/", target):
                        continue
                    name, _, anchor = target.partition("#")
                    file = (page.parent / name).resolve() if name else page
                    demand(file.exists(), page, number, f"there is no {target}")
                    if anchor and file.suffix == ".md" and file.exists():
                        demand(anchor in anchors(file), page, number, f"{file.name} has no heading #{anchor}")
            if is_past:
                continue
            for code in [text.strip()] if is_code else SPAN.findall(text):
                for name, below in X.findall(code):
                    demand(name in targets, page, number, f"./x has no {name}")
                    if name == "bench" and below:
                        demand(below in benches, page, number, f"./x bench has no {below}")
                for name, below in [] if code in SIGNED else COMMAND.findall(code):
                    known = name in groups
                    demand(known, page, number, f"docs/cli.md does not list `switchboard {name}`")
                    if known and below and (inside := groups[name]):
                        demand(below in inside, page, number, f"docs/cli.md does not list `switchboard {name} {below}`")
                for name in SETTING.findall(code):
                    has = re.search(rf"\bpub {name.lower()}:", settings)
                    demand(bool(has), page, number, f"there is no setting {name.lower()}")
                for path in API.findall(code):
                    demand(has_path(path, paths), page, number, f"the API has no {path}")
                if not is_code and (file := FILE.match(code)):
                    folders = [folder for folder in page.parents if folder.is_relative_to(ROOT)]
                    demand(any((folder / file[0]).exists() for folder in folders), page, number, f"there is no {file[0]}")
    settings_page = ROOT / "docs/operations.md"
    explained = settings_page.read_text(encoding="utf-8")
    for name in re.findall(r"^    pub (\w+):", settings.partition("pub struct Config")[2].partition("\n}")[0], re.MULTILINE):
        demand(f"`{name}`" in explained, settings_page, 1, f"the setting {name} is not explained")
    print("\n".join(wrong) or f"{len(pages())} pages name what is there", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
