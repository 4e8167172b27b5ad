"""All of README's part about containers, tried: started, bought from, restarted, scaled, stopped."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from stack.containers.client import Market
from stack.containers.engine import Engine
from stack.failure import CannotRun
from stack.places import ROOT
from stack.ports import choose_ports
from stack.processes.interruption import uninterrupted
from stack.report import say

PROJECT = "microstore-rehearsal"
OURS = f"label=com.docker.compose.project={PROJECT}"
README = re.compile(r"\n## In containers\n\n((?: {4}.+\n)+)")
PORTS = re.compile(r"\$\{(\w+_PORT):-")
LAST_LINES = 40
STATE = "{{.Name}} {{.State.ExitCode}} {{.RestartCount}} {{.State.OOMKilled}}"


def rehearse(engine: Engine, folder: Path) -> None:
    """Run the README's commands in a copy of this checkout, then use, restart, scale and stop everything."""
    copy = folder / "checkout"
    copy_checkout(copy)
    compose = (copy / "docker-compose.yml").read_text()
    # An engine that was there before may run this project for real: other ports, and another name.
    names = sorted(set(PORTS.findall(compose)))
    ports = dict(zip(names, map(str, choose_ports(len(names))), strict=True))
    told = {**engine.environment, **ports, "COMPOSE_PROJECT_NAME": PROJECT}
    engine = Engine(told, engine.inside)
    market = Market(f"http://127.0.0.1:{ports['LISTINGS_PORT']}")
    try:
        start(engine, copy)
        services = yaml.safe_load(compose)["services"]
        running = [name for name in services if name in _running(engine, copy)]
        use(market)
        restart_each(engine, copy, market, running)
        # A port of this machine has room for one container.
        scale_each(engine, copy, market, [name for name in running if "ports" not in services[name]])
        recreate_nothing(engine, copy)
        with step("the audit agrees"):
            engine.run("docker", "compose", "run", "--rm", "audit", folder=copy)
        stop(engine, copy)
    except CannotRun:
        # With the containers their logs go, too.
        say(engine.run("docker", "compose", "logs", "--no-color", f"--tail={LAST_LINES}", folder=copy))
        raise
    finally:
        with uninterrupted():
            engine.run("docker", "compose", "--profile", "*", "down", "--volumes", folder=copy)
    leave_nothing(engine)


def copy_checkout(copy: Path) -> None:
    """Copy what git knows or would know of this checkout, as a fresh clone has it."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)


def start(engine: Engine, copy: Path) -> None:
    """Type what the README says."""
    [commands] = README.findall((copy / "README.md").read_text())
    for command in commands.splitlines():
        with step(command.strip()):
            engine.run("sh", "-c", command, folder=copy)
    # The first start builds; what a machine needs that has the image is the second.
    engine.run("docker", "compose", "down", folder=copy)
    with step("docker compose up --wait, with the image built"):
        engine.run("docker", "compose", "up", "--wait", folder=copy)
    say(engine.run("docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}"))


def use(market: Market) -> None:
    """Buy, with the feed open, and show a picture."""
    with step("a purchase settles and comes over the feed, a picture is shown"):
        market.open()
        with market.watched():
            market.buy()
        market.show_a_picture()


def restart_each(engine: Engine, copy: Path, market: Market, services: list[str]) -> None:
    """Restart one service after the other, and buy after each."""
    for name in services:
        with step(f"{name} is restarted, and a purchase settles"):
            engine.run("docker", "compose", "restart", name, folder=copy)
            market.buy()
    with step("all are healthy again"):
        engine.run("docker", "compose", "up", "--wait", folder=copy)


def scale_each(engine: Engine, copy: Path, market: Market, services: list[str]) -> None:
    """Run two of each service whose address is nobody's, buy, and go back to one."""
    for count in (2, 1):
        with step(f"{count} of each: {', '.join(services)}"):
            scales = [f"--scale={name}={count}" for name in services]
            engine.run("docker", "compose", "up", "--wait", "--no-recreate", *scales, folder=copy)
            seen = _running(engine, copy)
            if unscaled := [name for name in services if seen.count(name) != count]:
                raise CannotRun(f"There are not {count} of {', '.join(unscaled)}")
            with market.watched():
                market.buy()


def recreate_nothing(engine: Engine, copy: Path) -> None:
    """Start again what runs; every container has to be the one that it was."""
    with step("up again, with a build, replaces nothing"):
        before = _ids(engine)
        engine.run("docker", "compose", "up", "--build", "--wait", folder=copy)
        if replaced := before - _ids(engine):
            raise CannotRun(f"{len(replaced)} containers were replaced, though nothing had changed")


def stop(engine: Engine, copy: Path) -> None:
    """Stop everything; whoever was killed, or fell over before, is named."""
    with step("all stop by themselves"):
        engine.run("docker", "compose", "stop", folder=copy)
    said = engine.run("docker", "inspect", "--format", STATE, *sorted(_ids(engine)))
    ends = [line.split() for line in said.splitlines()]
    if bad := [end for end in ends if end[1:] != ["0", "0", "false"]]:
        raise CannotRun(f"Name, exit code, restarts, out of memory: {bad}")


def leave_nothing(engine: Engine) -> None:
    """Look for containers, volumes and networks of ours."""
    for kind in ("container", "volume", "network"):
        if left := engine.run("docker", kind, "ls", "--quiet", "--filter", OURS).split():
            raise CannotRun(f"Left behind: {kind} {left}")


@contextmanager
def step(title: str) -> Iterator[None]:
    """Print the title, with how long it took, when it is done."""
    started_at = time.monotonic()
    yield
    say(f"{time.monotonic() - started_at:6.1f} s  {title}")


def _running(engine: Engine, copy: Path) -> list[str]:
    return engine.run("docker", "compose", "ps", "--format", "{{.Service}}", folder=copy).split()


def _ids(engine: Engine) -> set[str]:
    return set(engine.run("docker", "container", "ls", "--all", "--quiet", "--filter", OURS).split())
