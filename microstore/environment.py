"""Reading variables of the environment and arguments: what is wrong with one is a line that names it."""

import argparse
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import environ
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

# Where tools of developers have brought rich, structlog loads it, 50 ms for tracebacks that we never print.
# Every process reads its environment before it loads anything that logs.
if "rich" not in sys.modules:
    sys.modules["rich"] = None  # type: ignore[assignment]  # so that importing it fails
    import structlog  # noqa: F401

    del sys.modules["rich"]

REDIS = {"redis", "rediss", "unix"}
WEB = {"http", "https"}
SCHEMES = {
    "BROKER_URL": {"amqp", "amqps", "redis", "rediss"},
    "CONTROL_BROKER_URL": {"amqp", "amqps"},
    "CHANNEL_LAYER_URL": REDIS,
    "LIMITS_URL": REDIS,
    "FEES_URL": WEB,
    "JWT_JWKS_URL": WEB,
    "LIVE_URL": {"ws", "wss"},
}


LONGEST_SECONDS = 10 * 365 * 86_400.0
LEAST_INTERVAL_SECONDS = 0.01  # of rounds: without a pause they would keep a processor and the database busy


def read_seconds(text: str, *, least: float = 0) -> float:
    """Return the seconds that an argument names, from `least` to ten years; raises ArgumentTypeError."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not least <= seconds <= LONGEST_SECONDS:  # NaN is neither
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from {least:g} to ten years")
    return seconds


def read_interval(text: str) -> float:
    """Return the seconds between two rounds that an argument names; raises ArgumentTypeError."""
    return read_seconds(text, least=LEAST_INTERVAL_SECONDS)


class Environment(environ.Env):
    """django-environ, with every value that it cannot read refused as ImproperlyConfigured."""

    def get_value(self, var: str, *args: Any, **options: Any) -> Any:
        try:
            return super().get_value(var, *args, **options)
        except (ValueError, TypeError) as error:
            raise ImproperlyConfigured(f"{var} cannot be read: {error}") from None

    def required(self, name: str, *, development: str, debug: bool) -> str:
        """Return the variable's value, or `development` with debug; raises ImproperlyConfigured without."""
        value = self.str(name, "", multiline=True) or (development if debug else "")
        if not value and not debug:
            raise ImproperlyConfigured(f"Set {name} in the environment (or DEBUG=1 for development).")
        return str(value)

    def database(self, name: str, url: str) -> dict[str, Any]:
        """Return Django's settings of the PostgreSQL at this URL; raises ImproperlyConfigured for another."""
        check_url(name, url, {"postgres", "postgresql"})
        return dict(self.db_url_config(url))

    def mail(self, name: str, url: str) -> dict[str, Any]:
        """Return Django's settings of the mail server at this URL; raises ImproperlyConfigured for none."""
        try:
            return dict(self.email_url_config(url))
        except (ValueError, ImproperlyConfigured):
            raise ImproperlyConfigured(f"{name} is no URL of a mail server, as smtp://host:25 is.") from None

    def choice(self, name: str, default: str, *, among: Iterable[str]) -> str:
        """Return the variable's value; raises ImproperlyConfigured if it is none of `among`."""
        value = str(self.str(name, default))
        if value not in among:
            raise ImproperlyConfigured(f"{name} is {value!r}, and none of {', '.join(among)}.")
        return value


def check_urls(values: dict[str, Any]) -> None:
    """Raise ImproperlyConfigured if one of SCHEMES is set to no URL of its kind; several are set with `;`."""
    for name, schemes in SCHEMES.items():
        for url in filter(None, str(values.get(name) or "").split(";")):
            check_url(name, url, schemes)


def check_url(name: str, url: str, schemes: set[str]) -> None:
    """Raise ImproperlyConfigured unless the URL can be read and has one of these schemes."""
    # Its text is not repeated: it may hold a password.
    kinds = " or ".join(f"{scheme}://" for scheme in sorted(schemes))
    try:
        parts = urlsplit(url)
        # libpq takes several hosts, each with its port.
        hosts = parts.netloc.rpartition("@")[2].split(",")
        ports = [urlsplit(f"//{host}").port for host in hosts]
        fits = parts.scheme in schemes and all(port is None or port > 0 for port in ports)
    except ValueError:
        fits = False
    if not fits:
        raise ImproperlyConfigured(f"{name} is no {kinds} URL, or its port is no number.")


def read_settings() -> None:
    """Read Django's settings; end the process with one line on stderr if they are not complete."""
    try:
        settings.INSTALLED_APPS  # noqa: B018  # the first use reads them
    except ImproperlyConfigured as error:
        sys.exit(f"Settings: {error}")
