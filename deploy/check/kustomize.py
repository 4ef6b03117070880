"""Puts an overlay together: by kubectl or kustomize where one of them is installed, else as far as our overlays go, without
the hashes at the end of generated names.

    kustomize.py FOLDER
"""

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

KNOWN = {"apiVersion", "kind", "namespace", "resources", "images", "configMapGenerator", "secretGenerator", "patches"}
# What belongs to no namespace.
EVERYWHERE = {"Namespace"}


def put_together(folder: Path) -> list[dict]:
    said = yaml.safe_load((folder / "kustomization.yml").read_text())
    unknown = said.keys() - KNOWN
    assert not unknown, f"{folder}: {sorted(unknown)} is not understood here; install kubectl"
    things = []
    for resource in said["resources"]:
        path = folder / resource
        things += put_together(path) if path.is_dir() else filter(None, yaml.safe_load_all(path.read_text()))
    for generator in said.get("configMapGenerator", []):
        data = pairs(generator["literals"])
        if generator.get("behavior") == "merge":
            merged = [thing for thing in things if thing["kind"] == "ConfigMap" and named(thing) == generator["name"]]
            merged[0]["data"] |= data
        else:
            things.append(made("ConfigMap", generator["name"], data))
    for generator in said.get("secretGenerator", []):
        lines = [line for file in generator["envs"] for line in (folder / file).read_text().splitlines()]
        data = pairs(line for line in lines if line and not line.startswith("#"))
        coded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
        things.append(made("Secret", generator["name"], coded) | {"type": "Opaque"})
    for patch in said.get("patches", []):
        kind, name = patch["target"]["kind"], patch["target"].get("name", ".*")
        hit = [thing for thing in things if thing["kind"] == kind and re.fullmatch(name, named(thing))]
        assert hit, f"{folder}: a patch of {kind} {name} hits nothing"
        for thing in hit:
            for change in yaml.safe_load(patch["patch"]):
                apply(thing, change)
    for thing in things:
        if thing["kind"] not in EVERYWHERE:
            thing["metadata"]["namespace"] = said["namespace"]
        for image in said.get("images", []):
            rename(thing, image)
    return things


def named(thing: dict) -> str:
    return thing["metadata"]["name"]


def made(kind: str, name: str, data: dict[str, str]) -> dict:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "data": data}


def pairs(lines) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines)


def apply(thing: dict, change: dict) -> None:
    """A change of RFC 6902."""
    *way, last = change["path"].strip("/").split("/")
    for step in way:
        thing = thing[step]
    assert last in thing, f"{change['path']} is not there"
    if change["op"] == "remove":
        del thing[last]
    else:
        thing[last] = change["value"]


def rename(thing, image: dict) -> None:
    if isinstance(thing, dict):
        if thing.get("image") == image["name"]:
            thing["image"] = f"{image['newName']}:{image['newTag']}"
        thing = list(thing.values())
    if isinstance(thing, list):
        for part in thing:
            rename(part, image)


def main() -> None:
    folder = Path(sys.argv[1])
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            subprocess.run([*command, folder], check=True)
            return
    yaml.safe_dump_all(put_together(folder), sys.stdout, sort_keys=False)


if __name__ == "__main__":
    main()
