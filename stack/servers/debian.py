"""The servers' programs as Debian packages them: found, and installed when missing."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from stack.failure import CannotRun
from stack.servers.wheels import wheels_are_wanted

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


def find_postgresql_folders() -> dict[int, Path]:
    """Return the folders of installed PostgreSQLs' programs by major version, the newest first."""
    # Debian keeps them out of PATH.
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    return dict(sorted(((int(path.parts[-3]), path.parent) for path in found), reverse=True))


def find_rabbitmq_folder(root: Path = Path("/")) -> Path | None:
    """Return the folder of RabbitMQ's own scripts; those in PATH insist on the user rabbitmq."""
    scripts = sorted((root / "usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    return scripts[-1].parent if scripts else None


def find_redis_program() -> Path | None:
    """Return the Redis server."""
    program = shutil.which("redis-server")
    return Path(program) if program else None


def find_browser() -> Path:
    """Return Chromium, installed when missing and we may: the tests look at the admin with it."""
    return _find_or_install("chromium", package="chromium")


def find_prometheus(program: str = "prometheus") -> Path:
    """Return Prometheus or its `promtool`, installed when missing and we may: the tests try the alerts."""
    return _find_or_install(program, package="prometheus")


def find_pgbouncer() -> Path:
    """Return PgBouncer, installed when missing and we may: tests and benchmarks put it before PostgreSQL."""
    return _find_or_install("pgbouncer", package="pgbouncer")


def install_programs(programs: Mapping[str, str]) -> None:
    """Install, where we may, the packages of these programs that are not there."""
    _install([package for program, package in programs.items() if not _which(program)])


def _find_or_install(program: str, *, package: str) -> Path:
    install_programs({program: package})
    return Path(_which(program) or program)


def _which(program: str) -> str | None:
    # Servers are beside what only root runs, and that folder is not in everybody's PATH.
    return shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}{os.pathsep}/usr/sbin")


def install_missing_packages() -> None:
    """Install the servers that are not there; raise CannotRun with the command to type if we may not."""
    missing = list(_missing_packages())
    if missing and not shutil.which("apt-get"):
        raise CannotRun(
            f"Missing: {', '.join(missing)}. Start Docker, or set LISTINGS_DATABASE_URL, "
            "TRANSACTIONS_DATABASE_URL, BROKER_URL and CHANNEL_LAYER_URL to servers of your own."
        )
    _install(missing)


def _missing_packages() -> Iterator[str]:
    if not find_rabbitmq_folder():
        yield "rabbitmq-server"
    # These two come as wheels too, so who may not install them does not need them.
    if _may_install() and not wheels_are_wanted():
        if not find_postgresql_folders():
            yield "postgresql"
        if not find_redis_program():
            yield "redis-server"


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _install(packages: list[str]) -> None:
    if not packages:
        return
    if not _may_install():
        by_hand = f"apt-get install --no-install-recommends {' '.join(packages)}"
        raise CannotRun(f"Missing: {', '.join(packages)}. Run: sudo {by_hand}")
    print(f"Installing {', '.join(packages)} (once) ...", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _alone(), _daemons_forbidden():
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
def _alone() -> Iterator[None]:
    """Wait for another installation of ours: apt-get update does not, and fails."""
    folder = os.open("/var/lib/dpkg", os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextmanager
def _daemons_forbidden() -> Iterator[None]:
    """Keep the packages from starting their own servers, by Debian's policy-rc.d."""
    if START_POLICY.exists():
        yield
        return
    START_POLICY.write_text("#!/bin/sh\nexit 101\n")
    START_POLICY.chmod(0o755)
    try:
        yield
    finally:
        START_POLICY.unlink(missing_ok=True)
