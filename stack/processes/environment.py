"""The environment that MicroStore's processes run in."""

import os
import shlex
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from stack.failure import CannotRun
from stack.places import RUN, write_private
from stack.ports import choose_ports, is_free
from stack.processes.keys import keep_keys
from stack.processes.procfile import SERVICES, find_values

BASE = "PORT_BASE"
PORTS = {
    "LISTINGS_PORT": 8000,
    "LIVE_PORT": 8001,
    "TRANSACTIONS_PORT": 8002,
    "FEES_PORT": 8003,
    "FLOWER_PORT": 5555,
    **{name: 9101 + place for place, name in enumerate(find_values("METRICS_PORT"))},
}
SERVICES_WITH_API = [service for service in SERVICES if f"{service.upper()}_PORT" in PORTS]


def find_ports() -> dict[str, int]:
    """Return the ports to listen on: by name, in a row from PORT_BASE, or by default.

    Raises CannotRun if one is taken, no port, or another's too.
    """
    base = _read_port(BASE, 0) if os.environ.get(BASE) else None
    defaults = PORTS if base is None else {name: base + place for place, name in enumerate(PORTS)}
    ports = {name: _read_port(name, default) for name, default in defaults.items()}
    if doubled := {port for port, times in Counter(ports.values()).items() if times > 1}:
        said = ", ".join(name for name, port in ports.items() if port in doubled)
        raise CannotRun(f"One port for several processes: {said}. Each needs its own.")
    if taken := [name for name, port in ports.items() if not is_free(port)]:
        said = ", ".join(f"{ports[name]} ({name})" for name in taken)
        raise CannotRun(f"Taken by another program: port {said}. Choose others: {BASE}=18000 make ...")
    return ports


def _read_port(name: str, default: int) -> int:
    given = os.environ.get(name) or str(default)
    # At most five digits: of 0000080000 the first six are a number below 2**16, and the whole is none.
    if not (given.isascii() and given.isdecimal() and len(given) <= len("65535") and 0 < int(given) < 2**16):
        raise CannotRun(f"{name} is not the number of a port: {given}")
    return int(given)


def choose_all_ports() -> dict[str, int]:
    """Return free ports for everything, for several stacks side by side."""
    return dict(zip(PORTS, choose_ports(len(PORTS)), strict=True))


def make_settings(
    folder: Path, *, servers: Mapping[str, str], ports: Mapping[str, int], live: bool = True
) -> dict[str, str]:
    """Return the settings of all processes; `live`: WebSockets have a process of their own."""
    # External servers may have one user for all.
    brokers = dict.fromkeys(find_values("BROKER_URL"), servers["BROKER_URL"])
    return {
        **brokers,
        **servers,
        **divide_roles(servers),
        **keep_keys(folder),
        **{name: str(port) for name, port in ports.items()},
        "DEBUG": "1",
        "WEBHOOK_NETWORKS": "127.0.0.0/8",
        "ALLOWED_HOSTS": "*",
        "PEER_URLS": ",".join(f"{name}={address_of_api(name, ports)}" for name in SERVICES_WITH_API),
        "STAFF_LINKS": f"Flower=http://127.0.0.1:{ports['FLOWER_PORT']}",
        "LOG_FOLDER": str(folder / "logs"),
        "METRICS_FOLDER": str(folder / "metrics"),
        "PAYOUTS_FOLDER": str(folder / "payouts"),
        "MEDIA_ROOT": os.environ.get("MEDIA_ROOT") or str(RUN / "media"),
        "FEES_URL": f"http://127.0.0.1:{ports['FEES_PORT']}/",
        "SHOP_URL": address_of_api("listings", ports),
        "LIVE_URL": f"ws://127.0.0.1:{ports['LIVE_PORT']}" if live else "",
    }


def divide_roles(servers: Mapping[str, str]) -> dict[str, str]:
    """Return the databases' URLs for the processes, and for `migrate`, which alone changes tables."""
    urls = {}
    for name in (f"{service.upper()}_DATABASE_URL" for service in SERVICES):
        owner = servers[name]  # external servers may have no other user
        urls[name] = servers.get(name.replace("_DATABASE", "_APP_DATABASE"), owner)
        urls[name.replace("_DATABASE", "_OWNER_DATABASE")] = owner
    own = ("NOTIFICATIONS_DATABASE_URL", "WEBHOOKS_DATABASE_URL")
    return urls | {name: servers.get(name, urls["LISTINGS_DATABASE_URL"]) for name in own}


def address_of_api(service: str, ports: Mapping[str, int]) -> str:
    """Return where the API of a service is on this machine."""
    return f"http://127.0.0.1:{ports[f'{service.upper()}_PORT']}"


def make_service_settings(settings: Mapping[str, str], service: str) -> dict[str, str]:
    """Return the settings of one service's processes; only the listings service gets the signing key."""
    own = {
        "MICROSTORE_SERVICE": service,
        "DATABASE_URL": settings[f"{service.upper()}_DATABASE_URL"],
        "BROKER_URL": settings.get(f"{service.upper()}_BROKER_URL", settings["BROKER_URL"]),
    }
    unsigned = {} if service == "listings" else {"JWT_PRIVATE_KEY": ""}
    return {**settings, **own, **unsigned}


def make_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return a whole process environment; commands are those beside our own Python."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, **settings, "PATH": path, "PYTHONUNBUFFERED": "1"}


def write_environment_files(folder: Path, settings: Mapping[str, str]) -> list[Path]:
    """Write one file a service for use by hand: set -a; . FILE."""
    files = []
    for service in SERVICES:
        values = make_service_settings(settings, service)
        files.append(folder / f"{service}.env")
        write_private(files[-1], "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    return files
