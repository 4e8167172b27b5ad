"""Refusals of the domain, and their form in RFC 9457. Imports no framework: workers raise refusals too."""

import re
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"


class Refusal(Exception):
    """A rule of the domain forbids the request. Subclasses are named by the fact; messages are for people."""

    status = HTTPStatus.BAD_REQUEST

    def members(self) -> dict[str, Any]:
        """Return the extension members of the problem: those beside the ones that RFC 9457 defines."""
        return {}


def problem(status: HTTPStatus, detail: str, kind: str = "about:blank") -> dict[str, Any]:
    """Return the members that RFC 9457 defines."""
    return {"type": kind, "title": status.phrase, "status": status.value, "detail": detail}


def refusal(error: Refusal) -> dict[str, Any]:
    """Return a problem whose type names the refusal: `SoldOut` is `urn:microstore:problem:sold-out`."""
    # Clients decide by the type, so renaming a class of refusals changes the API.
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    named = problem(error.status, str(error), f"urn:microstore:problem:{words}")
    return named | {"title": words.replace("-", " ").capitalize()} | error.members()
