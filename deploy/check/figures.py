"""Alerts, dashboards and the autoscaler ask only for what the product tells: names, labels and the values of labels, compared
with docs/metrics.md and with a process that has done a little of everything. Each alert has a page that says what to do, and a
test.

    figures.py BINARY
"""

import json
import re
import sys
import tempfile
import time
from pathlib import Path

import yaml

from product import KEY, PASSWORD, ROOT, Client, Product, catalogue, free_port, get

# What Prometheus itself knows, and what it puts on every series (prometheus.yml).
ITS_OWN = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity", "service"}}
TARGET = {"job", "instance", "component"}
# Their values come from outside.
ANY_VALUE = {"method", "route", "status", "job", "instance", "component", "version", "le", *ITS_OWN["ALERTS"]}
WORDS = set("and or unless bool by without on ignoring group_left group_right offset start end inf nan".split())

problems = []


def wrong(where: str, what: str) -> None:
    problems.append(f"{where}: {what}")


def read_expression(expr: str) -> tuple[list[tuple[str, list[tuple[str, str, str]]]], set[str]]:
    """The selectors of an expression, each a name with matchers, and the labels that it groups by."""
    grouped = set()

    def keep(found: re.Match) -> str:
        grouped.update(label.strip() for label in found[2].split(",") if label.strip())
        return " "

    rest = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)", keep, expr)
    # Durations have letters, too.
    rest = re.sub(r"\[\w+\]", " ", rest)
    selectors = re.findall(r'(?<![\w"])([a-zA-Z_:][\w:]*)(?![\w:]|\s*\()\s*(\{(?:[^}"]|"[^"]*")*\})?', rest)
    return [(name, matchers(braces)) for name, braces in selectors if name not in WORDS], grouped


def matchers(braces: str) -> list[tuple[str, str, str]]:
    found = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*("(?:[^"\\]|\\.)*")', braces)
    return [(label, how, json.loads(value)) for label, how, value in found]


class Known:
    def __init__(self, listed: dict[str, tuple[str, set[str]]], told: dict[str, list[dict[str, str]]]):
        self.labels = dict(ITS_OWN)
        for name, (kind, labels) in listed.items():
            if kind == "histogram":
                self.labels |= {f"{name}_bucket": labels | {"le"}, f"{name}_sum": labels, f"{name}_count": labels}
            else:
                self.labels[name] = labels
        self.told = told

    def check(self, where: str, expr: str) -> set[str]:
        """Checks an expression and answers the labels that its result may have."""
        selectors, grouped = read_expression(expr)
        if not selectors:
            wrong(where, f"no metric in {expr}")
        possible = set(TARGET)
        for name, conditions in selectors:
            if name not in self.labels:
                wrong(where, f"nobody tells {name}")
                continue
            possible |= self.labels[name]
            for label, how, value in conditions:
                self.check_matcher(where, name, label, how, value)
        for label in grouped - possible - {"le"}:
            wrong(where, f"no metric in it has the label {label}")
        by = re.search(r"\bby\s*\(", expr)
        return grouped if by else possible

    def check_matcher(self, where: str, name: str, label: str, how: str, value: str) -> None:
        if label not in self.labels[name] | TARGET:
            wrong(where, f"{name} has no label {label}")
        elif label not in ANY_VALUE:
            seen = {series.get(label) for series in self.told.get(name, [])}
            for one in value.split("|") if "~" in how else [value]:
                if one not in seen:
                    wrong(where, f'{name} has no {label}="{one}", but {sorted(map(str, seen))}')


def of_alerts(known: Known) -> None:
    folder = ROOT / "deploy/prometheus"
    rules = [rule for group in yaml.safe_load((folder / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
    names = {rule["alert"] for rule in rules}
    for rule in rules:
        labels = known.check(rule["alert"], rule["expr"])
        for text in rule["annotations"].values():
            for label in set(re.findall(r"\$labels\.(\w+)", text)) - labels:
                wrong(rule["alert"], f"says {label}, which it does not have")
        if rule["annotations"]["runbook"] != f"docs/runbooks/{rule['alert']}.md":
            wrong(rule["alert"], "names another runbook")
    pages = {page.stem for page in (ROOT / "docs/runbooks").iterdir()}
    for name in sorted(names ^ pages):
        wrong(name, "an alert without a runbook" if name in names else "a runbook without an alert")
    for page in (ROOT / "docs/runbooks").iterdir():
        for linked in re.findall(r"\]\(([^)#]+)", page.read_text()):
            if not (page.parent / linked).exists():
                wrong(page.name, f"links to {linked}, which is not there")
    tests = [test for file in sorted((folder / "tests").iterdir()) for test in yaml.safe_load(file.read_text())["tests"]]
    for name in sorted(names - {test["name"] for test in tests}):
        wrong(name, "has no test")
    for test in tests:
        for series in test["input_series"]:
            known.check(f"test of {test['name']}", series["series"])
    for config in ("prometheus.yml", "kubernetes.yml"):
        for job in yaml.safe_load((folder / config).read_text())["scrape_configs"]:
            for put in (rule["target_label"] for rule in job["relabel_configs"] if "target_label" in rule):
                if any(put in labels for labels in known.labels.values()):
                    wrong(config, f"puts the label {put} on series that have one of their own")


def of_dashboards(known: Known) -> None:
    ids = set()
    for file in sorted((ROOT / "deploy/grafana/dashboards").glob("*.json")):
        board = json.loads(file.read_text())
        if board["uid"] in ids:
            wrong(file.name, "has the uid of another")
        ids.add(board["uid"])
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                where = f"{file.name}, {panel['title']}"
                labels = known.check(where, target["expr"])
                for label in set(re.findall(r"{{(\w+)}}", target["legendFormat"])) - labels:
                    wrong(where, f"its legend says {label}, which it does not have")


def of_autoscaler(known: Known) -> None:
    folder = ROOT / "deploy/kubernetes"
    rules = yaml.safe_load((folder / "prometheus-adapter.yml").read_text())["rules"]["external"]
    for rule in rules:
        known.check("prometheus-adapter.yml", rule["seriesQuery"])
        known.check("prometheus-adapter.yml", rule["metricsQuery"])
    asked = set()
    for scaler in yaml.safe_load_all((folder / "overlays/production/autoscaling.yml").read_text()):
        asked |= {metric["external"]["metric"]["name"] for metric in scaler["spec"]["metrics"] if "external" in metric}
    if asked != {rule["name"]["as"] for rule in rules}:
        wrong("autoscaling.yml", f"asks for {sorted(asked)}, which is not what prometheus-adapter.yml makes")


def read_told(text: str) -> dict[str, list[dict[str, str]]]:
    told = {}
    for name, braces in re.findall(r"^([a-zA-Z_:][\w:]*)(\{.*\})? \S+$", text, re.M):
        told.setdefault(name, []).append({label: value for label, _, value in matchers(braces)})
    return told


def a_little_of_everything(binary: Path) -> tuple[str, dict[str, list[dict[str, str]]]]:
    """The list of metrics as the binary prints it, and what a process tells that has sent a message."""
    listen, ops = free_port(), free_port()
    env = {
        "SWITCHBOARD_KEY": KEY,
        "SWITCHBOARD_LISTEN": f"127.0.0.1:{listen}",
        "SWITCHBOARD_OPS_LISTEN": f"127.0.0.1:{ops}",
    }
    base = f"http://127.0.0.1:{ops}"
    with tempfile.TemporaryDirectory(prefix="sb-deploy-") as data:
        product = Product(binary, Path(data), env)
        product.run("migrate")
        product.run("tenants", "create", "figures", "--email", "admin@example.com", ADMIN_PASSWORD=PASSWORD)
        with product.serving(["serve", "--role", "api,notifier,worker,scheduler"], f"{base}/readyz"):
            admin = Client(f"http://127.0.0.1:{listen}", "figures", "admin@example.com")
            provider = admin.ask("POST", "/api/v1/communication/providers", {"name": "Sandbox", "kind": "sandbox"})
            words = {"name": "hello", "channel": "email", "subject": "Hello", "text": "Dear {{name}}"}
            template = admin.ask("POST", "/api/v1/communication/templates", words)
            message = {"provider_id": provider["id"], "template_id": template["id"], "to": "ada@example.com"}
            admin.ask("POST", "/api/v1/communication/messages", message | {"variables": {"name": "Ada"}})
            if get(f"{admin.base}/metrics")[0] != 404:
                wrong("the process", "tells its metrics to everybody")
            page = product.run("metrics")
            # It looks around every few seconds; what is still missing after a minute is named by `compare`.
            until = time.monotonic() + 60
            told = {}
            while expected(catalogue(page)) - told.keys() and time.monotonic() < until:
                time.sleep(0.2)
                told = read_told(get(f"{base}/metrics")[1])
        return page, told


def expected(listed: dict[str, tuple[str, set[str]]]) -> set[str]:
    """Names that a process tells which has done a little of everything: lanes are parked where a build is missing."""
    names = listed.keys() - {"engine_lanes_parked_total"}
    return {f"{name}_count" if listed[name][0] == "histogram" else name for name in names}


def compare(listed: dict[str, tuple[str, set[str]]], told: dict[str, list[dict[str, str]]]) -> None:
    """What is told is listed, what is in the source is listed, and what is listed is told."""
    for name, series in told.items():
        plain = re.sub(r"_(bucket|sum|count)$", "", name)
        plain = name if name in listed else plain
        if plain not in listed:
            wrong(name, "is told and stands in no list")
        elif {frozenset(one) - {"le"} for one in series} != {frozenset(listed[plain][1])}:
            wrong(name, f"is told with other labels than {sorted(listed[plain][1])}")
    for name in sorted(expected(listed) - told.keys()):
        wrong(name, "stands in the list and is not told")
    folders = [ROOT / folder for folder in ("src", "workers/src", "workflows/src", "domain/src", "engine/src")]
    for file in (file for folder in folders for file in folder.rglob("*.rs")):
        for name in re.findall(r'\b(?:counter|gauge|histogram)!\(\s*"(\w+)"', file.read_text()):
            if name not in listed:
                wrong(str(file.relative_to(ROOT)), f"{name} stands in no list")


def main() -> int:
    page, told = a_little_of_everything(Path(sys.argv[1]).resolve())
    if page != (ROOT / "docs/metrics.md").read_text():
        wrong("docs/metrics.md", "is stale: run `./x prepare`")
    listed = catalogue(page)
    compare(listed, told)
    known = Known(listed, told)
    of_alerts(known)
    of_dashboards(known)
    of_autoscaler(known)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"  {len(listed)} metrics, {len(told)} names told, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
