"""Quotas of the API by scope, as LIMITS changes them. The settings import it, so it needs no other module."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

LIMITS = {
    "register": "20/hour",
    "token": "30/minute",
    "mail": "20/hour",
    "buy": "120/minute",
    "checkout": "30/minute",
    "quote": "300/minute",
    "search": "120/minute",
    "images": "60/hour",
    "report": "30/hour",
    "webhooks": "60/minute",
    "anonymous": "600/minute",
}


def changed_by(changes: Mapping[str, Any]) -> dict[str, str]:
    """Return the quotas with these changes; raises ImproperlyConfigured for an unknown scope."""
    if unknown := changes.keys() - LIMITS.keys():
        raise ImproperlyConfigured(f"LIMITS knows {', '.join(LIMITS)}, not {', '.join(unknown)}.")
    return {**LIMITS, **changes}
