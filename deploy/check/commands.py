"""Runs every command of docker-compose.yml, of the Kubernetes manifests and of the image itself as it stands there, with the
environment that stands there, until it is ready, and ends it.

    commands.py BINARY RENDERED...     manifests as kustomize has put them together
"""

import base64
import os
import re
import sys
import tempfile
from pathlib import Path

import yaml

from product import KEY, ROOT, Product, free_port


def image_env() -> dict[str, str]:
    """What the last stage of the Dockerfile says."""
    last = (ROOT / "deploy/Dockerfile").read_text().split("\nFROM ")[-1].replace("\\\n", " ")
    said = " ".join(re.findall(r"^ENV (.*)$", last, re.M))
    return dict(re.findall(r"(\w+)=(\S+)", said))


def image_command() -> list[str]:
    return yaml.safe_load(re.findall(r"^CMD (.*)$", (ROOT / "deploy/Dockerfile").read_text(), re.M)[-1])


def of_compose() -> list[tuple[str, list[str], dict[str, str]]]:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    ours = {name: service for name, service in compose["services"].items() if service["image"] == "switchboard"}
    for name, service in ours.items():
        for hardened in ("read_only", "cap_drop", "security_opt"):
            assert service.get(hardened), f"{name} has no {hardened}"
    return [(f"compose: {name}", service["command"], service["environment"]) for name, service in ours.items()]


def of_kubernetes(rendered: Path) -> list[tuple[str, list[str], dict[str, str]]]:
    things = [thing for thing in yaml.safe_load_all(rendered.read_text()) if thing]
    said = {}
    for thing in things:
        key = (thing["kind"], thing["metadata"]["name"])
        if thing["kind"] == "ConfigMap":
            said[key] = thing["data"]
        if thing["kind"] == "Secret":
            said[key] = {name: base64.b64decode(value).decode() for name, value in thing["data"].items()}
    found = []
    for thing in things:
        if thing["kind"] not in ("Deployment", "Job"):
            continue
        pod = thing["spec"]["template"]["spec"]
        container = pod["containers"][0]
        env = {}
        for source in container["envFrom"]:
            for kind, ref in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
                if ref in source:
                    env |= said[kind, source[ref]["name"]]
        check_pod(thing, pod, container)
        found.append((f"{rendered.stem}: {thing['metadata']['name']}", container["args"], env))
    assert found, f"{rendered} has nothing to run"
    return found


# Longest, as the product drains: workers/src/runtime.rs and engine/src/worker, src/http/server.rs.
DRAIN_S = {"worker": 25, "api": 10, "notifier": 11, "scheduler": 10}


def check_pod(thing: dict, pod: dict, container: dict) -> None:
    name, kind = thing["metadata"]["name"], thing["kind"]
    security = container["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"], name
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"], name
    assert security["capabilities"]["drop"] == ["ALL"] and "limits" in container["resources"], name
    if kind == "Deployment":
        first = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        drain = max(DRAIN_S[role] for role in container["args"][-1].split(","))
        assert pod["terminationGracePeriodSeconds"] >= first + drain + 10, f"{name} is ended before it has drained"
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] == "ops", f"{name} has no {probe} on its own port"


# Of these only the addresses are others here: the database, where it listens, what it would call.
ELSEWHERE = {"DATABASE_URL", "SWITCHBOARD_LISTEN", "SWITCHBOARD_OPS_LISTEN", "SWITCHBOARD_DATA_DIR", "SWITCHBOARD_KEY"}


def run(binary: Path, name: str, words: list[str], env: dict[str, str]) -> None:
    env = image_env() | {key: str(value) for key, value in env.items()}
    missing = ELSEWHERE - env.keys()
    assert not missing, f"{name} does not set {sorted(missing)}"
    listen, ops = free_port(), free_port()
    for setting, port in (("SWITCHBOARD_LISTEN", 8080), ("SWITCHBOARD_OPS_LISTEN", 8081)):
        assert env[setting] == f"0.0.0.0:{port}", f"{name}: {setting} is {env[setting]}"
    env |= {
        "DATABASE_URL": os.environ["DATABASE_URL"],
        "SWITCHBOARD_LISTEN": f"127.0.0.1:{listen}",
        "SWITCHBOARD_OPS_LISTEN": f"127.0.0.1:{ops}",
        "SWITCHBOARD_KEY": KEY,
    }
    with tempfile.TemporaryDirectory(prefix="sb-deploy-") as data:
        product = Product(binary, Path(data), env)
        if words[0] == "migrate":
            product.run(*words)
        else:
            with product.serving(words, f"http://127.0.0.1:{ops}/readyz"):
                product.run("ready")
    print(f"  {name}: switchboard {' '.join(words)}")


def main() -> None:
    binary = Path(sys.argv[1]).resolve()
    groups = [of_compose(), *(of_kubernetes(Path(rendered)) for rendered in sys.argv[2:])]
    for group in groups:
        group.sort(key=lambda one: one[1][0] != "migrate")
        assert group[0][1][0] == "migrate", "nothing migrates"
        for name, words, env in group:
            run(binary, name, words, env)
    run(binary, "image", image_command(), {"DATABASE_URL": "", "SWITCHBOARD_KEY": ""})


if __name__ == "__main__":
    main()
