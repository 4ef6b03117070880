"""Every public item says what it is for: `./x lint` runs it.

Asked of what is written `pub` in the crates; what only tests see is left out, and a module may say it in its file by `//!`. Plain
rules on text as rustfmt leaves it. Ends with 1 and a line for each item that says nothing; whether anything would be found is
tried on a sample first.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CRATES = ("engine", "domain", "workflows", "workers", "paper", ".")
ITEM = re.compile(r"pub (?:const |async |unsafe )*(fn|struct|enum|union|trait|const|static|type|mod) ([\w$]+)(;?)")
STRINGS = re.compile(r'r(#*)".*?"\1|"(?:\\.|[^"\\])*"', re.DOTALL)
SAMPLE = '''/// Said.
#[template(
    source = "a ]"
)]
pub struct Said;
#[must_use]
pub fn silent() {}

/// Said of something else.

pub const SILENT: u8 = 0;
    pub async fn also_silent() {}
pub(crate) fn not_public() {}
#[cfg(test)]
mod tests {
    pub fn only_tests_see_it() {}
}
pub mod silent_too {
'''


def silent(lines: list[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Number and item of each that has no docs of its own."""
    attribute, says, is_test, until = "", False, False, None
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if until is not None:
            until = None if line == until else until
        elif attribute or text.startswith("#["):
            attribute += text + "\n"
            bare = STRINGS.sub("", attribute)
            if bare.count("[") == bare.count("]"):
                says |= attribute.startswith("#[doc")
                is_test |= attribute.startswith("#[cfg(test)]")
                attribute = ""
        # In a macro, whoever uses it hands the docs over.
        elif text.startswith(("///", "$(#[")):
            says = True
        else:
            if is_test and text.endswith("{"):
                until = line[: len(line) - len(line.lstrip())] + "}"
            elif not says and not is_test and (item := ITEM.match(text)):
                yield number, item
            says = is_test = False


def speaks(file: Path, module: str) -> bool:
    """Whether the file of a module begins with its docs."""
    folder = file.parent if file.name in ("mod.rs", "lib.rs", "main.rs") else file.with_suffix("")
    files = (folder / f"{module}.rs", folder / module / "mod.rs")
    return any(one.exists() and one.read_text(encoding="utf-8").startswith("//!") for one in files)


def main() -> int:
    found = [item[2] for _, item in silent(SAMPLE.splitlines())]
    if found != ["silent", "SILENT", "also_silent", "silent_too"]:
        print(f"of the sample it finds {found}", file=sys.stderr)
        return 1
    wrong = []
    for file in sorted(file for crate in CRATES for file in (ROOT / crate / "src").rglob("*.rs")):
        for number, item in silent(file.read_text(encoding="utf-8").splitlines()):
            kind, name, is_elsewhere = item.groups()
            if not (kind == "mod" and is_elsewhere and speaks(file, name)):
                wrong.append(f"{file.relative_to(ROOT)}:{number}: {kind} {name} does not say what it is for")
    print("\n".join(wrong) or "every public item says what it is for", file=sys.stderr)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
