"""Settings that differ between the services, declared by each one in its AppConfig."""

from collections.abc import Mapping

from django.apps import AppConfig


class ServiceConfig(AppConfig):
    """AppConfig of a service of this project, with the defaults of a service that needs nothing special."""

    login_url = "admin:login"  # where pages send visitors without a session
    fast_path = ""  # dotted path of a WSGI middleware in front of Django
    enum_names: Mapping[str, str] = {}  # of the API's schema, by dotted path
    limits_requests = False  # by default with the Redis of its live feed
    session_engine = "django.contrib.sessions.backends.db"
    signs_tokens = False  # all others verify them only
