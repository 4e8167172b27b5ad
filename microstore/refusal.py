"""The domain says no, and how RFC 9457 puts it. No framework is imported: workers refuse too."""

import re
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class Refusal(Exception):
    """The domain says no. Subclasses are named after the fact; the message is for a person."""

    status = HTTPStatus.BAD_REQUEST

    def members(self) -> dict[str, Any]:
        """What the problem says beside the members that RFC 9457 names (its extension members)."""
        return {}


def problem(status: HTTPStatus, detail: str, kind: str = "about:blank") -> dict[str, Any]:
    """The members that RFC 9457 names."""
    return {"type": kind, "title": status.phrase, "status": status.value, "detail": detail}


def refusal(error: Refusal) -> dict[str, Any]:
    """A problem whose type names the refusal: `SoldOut` is `urn:microstore:problem:sold-out`."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    named = problem(error.status, str(error), f"urn:microstore:problem:{words}")
    return named | {"title": words.replace("-", " ").capitalize()} | error.members()
