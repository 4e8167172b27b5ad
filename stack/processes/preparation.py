"""Tables, queues and demonstration data, made before the processes start."""

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from stack.failure import CannotRun
from stack.places import ROOT
from stack.processes.environment import make_environment, make_service_settings
from stack.processes.procfile import SERVICES

# What is started here is a demonstration on this machine, also where it runs with the settings of production.
SEED = "seed --known-passwords"


def prepare_services(settings: Mapping[str, str], *, with_topology: bool = True) -> None:
    """Migrate every database, declare the topology, seed; each of these does no harm when repeated."""
    steps = {service: ["migrate"] for service in SERVICES}
    for service in SERVICES:
        if (ROOT / service / "management/commands/seed.py").exists():
            steps[service].append(SEED)
    if with_topology:
        steps["transactions"].append("topology")
    with ThreadPoolExecutor(max_workers=len(steps)) as pool:
        for _ in pool.map(lambda service: _manage_all(settings, service, steps[service]), steps):
            pass


def _manage_all(settings: Mapping[str, str], service: str, commands: Sequence[str]) -> None:
    name = service.upper()
    # Only the owner may change tables, and only the broker's administrator may declare every queue.
    rights = {
        "migrate": {f"{name}_DATABASE_URL": settings[f"{name}_OWNER_DATABASE_URL"]},
        "topology": {f"{name}_BROKER_URL": settings["BROKER_URL"]},
    }
    for command in commands:
        manage({**settings, **rights.get(command, {})}, service, *command.split())


def manage(settings: Mapping[str, str], service: str, *arguments: str) -> str:
    """Run a manage.py command of one service and return its output; raise CannotRun if it fails."""
    done = subprocess.run(
        ["python", "manage.py", *arguments],
        env=make_environment(make_service_settings(settings, service)),
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotRun(f"manage.py {' '.join(arguments)} ({service}) failed:\n{done.stdout}")
    return done.stdout
