"""Settings that differ between the services, from their AppConfigs, and modules that one may leave out."""

import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec

from django.apps import AppConfig

from microstore.contracts.registry import SERVICES


class ServiceConfig(AppConfig):
    """AppConfig of a service of this project, with the defaults of a service that needs nothing special."""

    login_url = "admin:login"  # where pages send visitors without a session
    fast_path = ""  # dotted path of a WSGI middleware in front of Django
    enum_names: Mapping[str, str] = {}  # of the API's schema, by dotted path
    limits_requests = False  # by default with the Redis of its live feed
    session_engine = "django.contrib.sessions.backends.db"
    signs_tokens = False  # all others verify them only

    def ready(self) -> None:
        # What is loaded stays, and need not be looked through for garbage again, nor be copied in each forked
        # child for that. Cycles wait for 50,000 new objects, which take about 5 MB.
        gc.freeze()
        gc.set_threshold(50_000, 20, 20)


def path_within(service: str, module: str, name: str) -> str:
    """Return the dotted path of a name in the service's module; "" where the service has no such module."""
    return f"{service}.{module}.{name}" if find_spec(f"{service}.{module}") else ""


def ensure_own_command(arguments: Sequence[str]) -> None:
    """End the process with one line if the command belongs to another service than MICROSTORE_SERVICE."""
    command, service = "".join(arguments[1:2]), os.environ["MICROSTORE_SERVICE"]
    owners = [name for name in SERVICES if has_command(name, command)] if command.isidentifier() else []
    if owners and service not in owners:
        sys.exit(f"{command} belongs to {owners[0]}: MICROSTORE_SERVICE={owners[0]} {' '.join(arguments)}")


def has_command(service: str, command: str) -> bool:
    """Return whether the service has a management command of this name."""
    try:
        return find_spec(f"{service}.management.commands.{command}") is not None
    except ModuleNotFoundError:  # a service without commands, or one that is not installed here
        return False
