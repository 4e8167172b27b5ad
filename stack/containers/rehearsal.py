"""All of README's part about containers, tried: started, bought from, restarted, scaled, stopped."""

import re
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stack.containers.client import Market
from stack.containers.engine import Engine
from stack.failure import CannotRun
from stack.places import ROOT
from stack.ports import choose_ports
from stack.processes.interruption import uninterrupted
from stack.processes.time_limit import TimeIsUp
from stack.report import say, timed
from stack.waiting import wait_until

PROJECT = "microstore-rehearsal"
OURS = f"label=com.docker.compose.project={PROJECT}"
README = re.compile(r"\n## In containers\n\n((?: {4}.+\n)+)")
PORTS = re.compile(r"\$\{(\w+_PORT):-")
LAST_LINES = 40
HEALTHY_WITHIN_SECONDS = 180
TWO = 2
WORKER = "transactions-worker"
# As a release with a wrong secret: it starts, and never consumes. Healthy ones are so within seconds.
BAD_RELEASE = {
    "environment": {"BROKER_URL": "amqp://transactions:yesterdays-password@rabbitmq:5672//"},
    "healthcheck": {"start_period": "20s", "interval": "5s", "retries": 1},
}
EVENT = "{{.TimeNano}} {{.Actor.Attributes.name}} {{.Action}}"
STATE = "{{.Name}} {{.State.ExitCode}} {{.RestartCount}} {{.State.OOMKilled}}"


def rehearse(engine: Engine, folder: Path) -> None:
    """Run the README's commands in a copy of this checkout, then use, restart, scale and stop everything."""
    copy = folder / "checkout"
    copy_checkout(copy)
    services = yaml.safe_load((copy / "docker-compose.yml").read_text())["services"]
    # An engine that was there before may run this project for real: other ports, and another name.
    names = sorted(set(PORTS.findall((copy / "docker-compose.yml").read_text())))
    ports = dict(zip(names, map(str, choose_ports(len(names))), strict=True))
    engine = Engine({**engine.environment, **ports, "COMPOSE_PROJECT_NAME": PROJECT}, engine.inside)
    market = Market(f"http://127.0.0.1:{ports['LISTINGS_PORT']}")
    try:
        start(engine, copy)
        use(market)
        break_and_mend(engine, copy, market, services)
        with timed("the audit agrees"):
            engine.run("docker", "compose", "run", "--rm", "audit", folder=copy)
        stop(engine, copy)
    except (CannotRun, TimeIsUp):
        # With the containers their logs go, too.
        say(engine.run("docker", "compose", "logs", "--no-color", f"--tail={LAST_LINES}", folder=copy))
        raise
    finally:
        with uninterrupted():
            engine.run("docker", "compose", "--profile", "*", "down", "--volumes", folder=copy)
    leave_nothing(engine)


def break_and_mend(engine: Engine, copy: Path, market: Market, services: Mapping[str, Any]) -> None:
    """Restart and scale each service, release a bad one, and come back to the containers of the beginning."""
    running = [name for name in services if name in _running(engine, copy)]
    ours = [name for name in running if services[name]["image"].startswith("microstore:")]
    restart(engine, copy, market, [name for name in running if name not in ours])
    restart(engine, copy, market, ours)
    first = _ids(engine)
    # A port of this machine has room for one container.
    scale(engine, copy, market, [name for name in running if "ports" not in services[name]])
    refuse_a_bad_release(engine, copy, market)
    recreate_nothing(engine, copy, first)


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
    environment, up = map(str.strip, commands.splitlines())
    with timed(environment):
        engine.run("sh", "-c", environment, folder=copy)
    # Before, so that the step after it is what a machine needs that has the image.
    with timed("docker compose build"):
        engine.run("docker", "compose", "build", folder=copy)
    began_at = time.time()
    with timed(f"{up}: everything is healthy"):
        engine.run("sh", "-c", up, folder=copy)
    say(describe_start(engine, began_at))
    say(engine.run("docker", "stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}"))


def describe_start(engine: Engine, began_at: float) -> str:
    """Return when each container was started and when it was healthy, in seconds, the last one last."""
    span = (f"--since={began_at}", f"--until={time.time()}")
    kinds = ("--filter=type=container", "--filter=event=start", "--filter=event=health_status")
    said = engine.run("docker", "events", *span, *kinds, f"--format={EVENT}")
    moments: dict[str, dict[str, float]] = {}
    for nanoseconds, name, action in (line.split(maxsplit=2) for line in said.splitlines()):
        moments.setdefault(name, {}).setdefault(action, int(nanoseconds) / 1e9 - began_at)
    lasts = sorted(moments.items(), key=lambda found: max(found[1].values()))
    return "\n".join(
        f"{' ':8} {name}: " + ", ".join(f"{action} {at:.1f} s" for action, at in found.items())
        for name, found in lasts
    )


def use(market: Market) -> None:
    """Buy, with the feed open, and show a picture."""
    with timed("a purchase settles and comes over the feed, a picture is shown"):
        market.open()
        with market.watched():
            market.buy()
        market.show_a_picture()


def restart(engine: Engine, copy: Path, market: Market, services: list[str]) -> None:
    """Restart these at once, buy meanwhile, and wait until each is healthy again."""
    with timed(f"restarted, and a purchase settles: {', '.join(services)}"):
        engine.run("docker", "compose", "restart", *services, folder=copy)
        market.buy()
        if not wait_until(lambda: not _unhealthy(engine), timeout_seconds=HEALTHY_WITHIN_SECONDS):
            raise CannotRun(f"Not healthy after a restart: {_unhealthy(engine)}")


def scale(engine: Engine, copy: Path, market: Market, services: list[str]) -> None:
    """Run two of each service whose address is nobody's, and buy."""
    with timed(f"two of each: {', '.join(services)}"):
        scales = [f"--scale={name}={TWO}" for name in services]
        engine.run("docker", "compose", "up", "--wait", "--no-recreate", *scales, folder=copy)
        seen = _running(engine, copy)
        if unscaled := [name for name in services if seen.count(name) != TWO]:
            raise CannotRun(f"There are not two of {', '.join(unscaled)}")
        with market.watched():
            market.buy()


def refuse_a_bad_release(engine: Engine, copy: Path, market: Market) -> None:
    """Start a worker that cannot consume beside the good ones: it does not get healthy, and they go on."""
    with timed("a release that cannot consume stops by itself, and a purchase settles"):
        release = copy / "bad-release.yml"
        release.write_text(yaml.safe_dump({"services": {WORKER: BAD_RELEASE}}))
        files = ("--file", "docker-compose.yml", "--file", release.name)
        up = ("up", "--wait", "--no-recreate", "--no-deps", f"--scale={WORKER}={TWO + 1}", WORKER)
        done = engine.try_to_run("docker", "compose", *files, *up, folder=copy)
        bad = _unhealthy(engine)
        if done.returncode == 0 or len(bad) != 1 or WORKER not in bad[0]:
            raise CannotRun(f"A worker that cannot consume was taken for a good one: {bad}")
        market.buy()


def recreate_nothing(engine: Engine, copy: Path, first: set[str]) -> None:
    """Start everything as at first: what was added is gone, and each container is the one that it was."""
    with timed("up again, with a build, replaces nothing"):
        engine.run("docker", "compose", "up", "--build", "--wait", folder=copy)
        if (now := _ids(engine)) != first:
            raise CannotRun(f"Replaced though nothing had changed: {first - now}; left over: {now - first}")


def stop(engine: Engine, copy: Path) -> None:
    """Stop everything; whoever was killed, or fell over before, is named."""
    with timed("all stop by themselves"):
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


def _running(engine: Engine, copy: Path) -> list[str]:
    return engine.run("docker", "compose", "ps", "--format", "{{.Service}}", folder=copy).split()


def _unhealthy(engine: Engine) -> list[str]:
    """Return the names of the containers that run and are not healthy."""
    said = engine.run("docker", "ps", "--filter", OURS, "--format", "{{.Names}}\t{{.Status}}")
    states = [line.split("\t") for line in said.splitlines()]
    return [name for name, status in states if not status.endswith("(healthy)")]


def _ids(engine: Engine) -> set[str]:
    return set(engine.run("docker", "container", "ls", "--all", "--quiet", "--filter", OURS).split())
