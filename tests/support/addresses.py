"""Every address of the service, from its URL patterns, so that a new one is swept without being named."""

import re
from collections.abc import Iterator
from importlib import import_module

from django.conf import settings
from django.contrib.admindocs.views import extract_views_from_urlpatterns, simplify_regex

UUID = "01a22571-f166-7780-aa69-ad163531dd41"
VALUES = {
    **dict.fromkeys(("order_id", "checkout_id", "endpoint_id", "session_id"), UUID),
    "size": "small",
    "way": "earlier",
    "action": "withdraw",
    "format": "json",
    "app_label": "auth",
    "path": "nothing.jpg",
}
OF_UUIDS = ("/orders/", "/transactions/")


def addresses() -> Iterator[str]:
    """One address for each pattern; numbers in it are 1."""
    patterns = import_module(settings.ROOT_URLCONF).urlpatterns
    for _, pattern, _, _ in extract_views_from_urlpatterns(patterns):
        address = re.sub(r"\\(.)", r"\1", simplify_regex(str(pattern)))
        values = VALUES | (
            dict.fromkeys(("pk", "id"), UUID) if any(part in address for part in OF_UUIDS) else {}
        )
        values |= {"action": "ping"} if "/webhooks/" in address else {}
        yield re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "1"), address)  # noqa: B023  # called at once
