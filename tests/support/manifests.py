"""What `kubectl apply -k` sends of deploy/kubernetes, for the tests that compare it with Compose."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from stack.places import ROOT

FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = FOLDER / "overlays/example"


def render(name: str) -> list[dict[str, Any]]:
    """Everything that `kubectl apply -k` would send of an overlay."""
    done = subprocess.run(
        [Path(sys.executable).with_name("kubectl"), "kustomize", OVERLAYS / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


OBJECTS = render("before") + render("processes")
NAMED = {f"{found['kind']} {found['metadata']['name']}": found for found in OBJECTS}


def pods() -> Iterator[tuple[str, dict[str, Any]]]:
    """The pod of each Deployment, Job and CronJob, by its name."""
    for found in OBJECTS:
        spec = found.get("spec", {})
        template = spec.get("jobTemplate", {}).get("spec", spec).get("template")
        if template:
            yield found["metadata"]["name"], template["spec"]


PODS = dict(pods())


def container_of(name: str) -> dict[str, Any]:
    """The one container of a pod."""
    [container] = PODS[name]["containers"]
    return dict(container)


def told_to(name: str) -> dict[str, str]:
    """Its variables, those of a Secret with the Secret's name for a value."""
    told: dict[str, str] = {}
    for source in container_of(name).get("envFrom", []):
        if "configMapRef" in source:
            told |= NAMED[f"ConfigMap {source['configMapRef']['name']}"]["data"]
        else:
            secret = source["secretRef"]["name"]
            told |= dict.fromkeys(contents_of_secret(secret), secret)
    return told | {each["name"]: str(each.get("value")) for each in container_of(name).get("env", [])}


def budgets() -> set[str]:
    """The names of the PodDisruptionBudgets, each that of a Deployment."""
    return {found["metadata"]["name"] for found in OBJECTS if found["kind"] == "PodDisruptionBudget"}


def contents_of_secret(name: str) -> list[str]:
    """The variables that README.md wants in it."""
    [contents] = re.findall(
        rf"^ *\| `{name}`[^|]*\|(.+)\|$", (FOLDER / "README.md").read_text(), re.MULTILINE
    )
    return re.findall(r"`([A-Z_]+)`", contents)
