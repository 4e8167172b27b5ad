"""The servers' programs as Debian packages them: found, and installed when missing."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stack.failure import CannotRun

PACKAGES = ("postgresql", "rabbitmq-server", "redis-server")
INSTALL = [
    "apt-get",
    "install",
    "--yes",
    "--quiet",
    "--no-install-recommends",
    "-o",
    "DPkg::Lock::Timeout=300",
]
START_POLICY = Path("/usr/sbin/policy-rc.d")


def find_postgresql_folder() -> Path:
    """Return the folder of the newest installed PostgreSQL's programs (Debian keeps them out of PATH)."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not folders:
        raise CannotRun("PostgreSQL is not installed")
    return max(folders, key=lambda folder: float(folder.parent.name))


def find_rabbitmq_folder() -> Path:
    """Return the folder of RabbitMQ's own scripts; those in PATH insist on the user rabbitmq."""
    scripts = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not scripts:
        raise CannotRun("RabbitMQ is not installed")
    return scripts[-1].parent


def find_redis_program() -> Path:
    """Return the Redis server."""
    if not (program := shutil.which("redis-server")):
        raise CannotRun("Redis is not installed")
    return Path(program)


def find_browser() -> Path:
    """Return Chromium, installed when missing and we may: the tests look at the admin with it."""
    return _find_or_install("chromium", package="chromium")


def find_prometheus(program: str = "prometheus") -> Path:
    """Return Prometheus or its `promtool`, installed when missing and we may: the tests try the alerts."""
    return _find_or_install(program, package="prometheus")


def find_pgbouncer() -> Path:
    """Return PgBouncer, installed when missing and we may: tests and benchmarks put it before PostgreSQL."""
    return _find_or_install("pgbouncer", package="pgbouncer")


def _find_or_install(program: str, *, package: str) -> Path:
    if not _which(program):
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise CannotRun(
                f"Missing: {package}. Run: sudo apt-get install --no-install-recommends {package}"
            )
        _install([package])
    return Path(_which(program) or program)


def _which(program: str) -> str | None:
    # Servers are beside what only root runs, and that folder is not in everybody's PATH.
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")


def install_missing_packages() -> None:
    """Install the servers that are not there; raise CannotRun with the command to type if we may not."""
    missing = list(_missing_packages())
    if not missing:
        return
    by_hand = f"apt-get install --no-install-recommends {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise CannotRun(
            f"Missing: {', '.join(missing)}. Start Docker, or set LISTINGS_DATABASE_URL, "
            "TRANSACTIONS_DATABASE_URL, BROKER_URL and CHANNEL_LAYER_URL to servers of your own."
        )
    if os.geteuid() != 0:
        raise CannotRun(f"Missing: {', '.join(missing)}. Run: sudo {by_hand}")
    print(f"Installing {', '.join(missing)} (once) ...", flush=True)
    _install(missing)


def _missing_packages() -> Iterator[str]:
    finders = (find_postgresql_folder, find_rabbitmq_folder, find_redis_program)
    for package, finder in zip(PACKAGES, finders, strict=True):
        try:
            finder()
        except CannotRun:
            yield package


def _install(packages: list[str]) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _daemons_forbidden():
        for command in (["apt-get", "update", "--quiet"], [*INSTALL, *packages]):
            done = subprocess.run(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                raise CannotRun(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")


@contextmanager
def _daemons_forbidden() -> Iterator[None]:
    """Keep the packages from starting their own servers; policy-rc.d is Debian's way to say so."""
    if START_POLICY.exists():
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink(missing_ok=True)
