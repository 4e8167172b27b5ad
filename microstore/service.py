"""Settings that differ between the services, from their AppConfigs, and modules that one may leave out."""

from collections.abc import Mapping
from importlib.util import find_spec

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """AppConfig of a service of this project, with the defaults of a service that needs nothing special."""

    login_url = "admin:login"  # where pages send visitors without a session
    fast_path = ""  # dotted path of a WSGI middleware in front of Django
    enum_names: Mapping[str, str] = {}  # of the API's schema, by dotted path
    limits_requests = False  # by default with the Redis of its live feed
    session_engine = "django.contrib.sessions.backends.db"
    signs_tokens = False  # all others verify them only


def path_within(service: str, module: str, name: str) -> str:
    """Return the dotted path of a name in the service's module; "" where the service has no such module."""
    return f"{service}.{module}.{name}" if find_spec(f"{service}.{module}") else ""
