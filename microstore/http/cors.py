"""Cross-origin requests of storefronts (CORS): their paths, and the headers that they may send and read."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

# Pages and admin are no part of it: they trust cookies, which no storefront may send.
PATHS = r"^/(api|pictures|\.well-known)/"
SENT = ("accept", "authorization", "content-type", "idempotency-key", "if-match", "traceparent", "x-trace-id")
READ = (
    *("Location", "ETag", "Retry-After", "RateLimit", "RateLimit-Policy"),
    *("Idempotent-Replayed", "X-Trace-Id"),
)
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")


def ensure_origins(origins: Sequence[str]) -> list[str]:
    """Return the origins; raises ImproperlyConfigured for what no browser sends as one, such as `*`."""
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ImproperlyConfigured(
                f"STOREFRONT_ORIGINS has {origin!r}; write scheme and host in lower case, and a port if there"
                " is one, such as https://store.example."
            )
    return list(origins)


def origins_of(urls: Iterable[str]) -> list[str]:
    """Return the origins of these addresses."""
    return [f"{url.scheme}://{url.netloc}" for url in map(urlsplit, urls)]
