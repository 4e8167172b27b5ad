"""Refusals of the domain, and their form in RFC 9457. Imports no framework: workers raise refusals too."""

import re
from http import HTTPStatus
from typing import Any

CONTENT_TYPE = "application/problem+json"
# Python 3.13 has newer names for them, and clients compare titles.
NAMES = {
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Entity Too Large",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Unprocessable Entity",
}


class Refusal(Exception):
    """A rule of the domain forbids the request. Subclasses are named by the fact; messages are for people."""

    status = HTTPStatus.BAD_REQUEST
    retry_after_seconds: int | None = None

    def members(self) -> dict[str, Any]:
        """Return the extension members of the problem: those beside the ones that RFC 9457 defines."""
        return {}


class TooManyFailures(Refusal):
    """Too many wrong passwords with this name or from this network: a right one is refused, too."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class TooManyRequests(Refusal):
    """The quota of this kind of request is used up; `Retry-After` says for how long."""

    status = HTTPStatus.TOO_MANY_REQUESTS


class NotLoggedIn(Refusal):
    """The request has no access token."""

    status = HTTPStatus.UNAUTHORIZED


class TokenExpired(Refusal):
    """The access token was good, and has expired."""

    status = HTTPStatus.UNAUTHORIZED


class TokenInvalid(Refusal):
    """The access token is none of ours, or the header is not `Authorization: Bearer …`."""

    status = HTTPStatus.UNAUTHORIZED


def name_of(status: HTTPStatus) -> str:
    """Return the name of a status, which is the same with every Python."""
    return NAMES.get(status, status.phrase)


def problem(status: HTTPStatus, detail: str, kind: str = "about:blank") -> dict[str, Any]:
    """Return the members that RFC 9457 defines."""
    return {"type": kind, "title": name_of(status), "status": status.value, "detail": detail}


def refusal(error: Refusal) -> dict[str, Any]:
    """Return a problem whose type names the refusal: `SoldOut` is `urn:microstore:problem:sold-out`."""
    # Clients decide by the type, so renaming a class of refusals changes the API.
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    named = problem(error.status, str(error), f"urn:microstore:problem:{words}")
    return named | {"title": words.replace("-", " ").capitalize()} | error.members()
