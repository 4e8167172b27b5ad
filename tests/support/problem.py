"""What an error must look like (RFC 9457)."""

import json
from http import HTTPStatus
from typing import Any, Protocol

from microstore.refusal import name_of


class Answer(Protocol):
    """What the test client gives back."""

    status_code: int

    @property
    def content(self) -> bytes: ...

    @property
    def headers(self) -> Any: ...

    @property
    def json(self) -> Any: ...


def read_problem(response: Answer, status: int) -> dict[str, Any]:
    """The problem in the response; fails where it is none, or has another status."""
    assert response.status_code == status, response.content[:500]
    assert response.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = json.loads(response.content)
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == status
    assert problem["title"]
    assert isinstance(problem["detail"], str)
    if problem["type"] == "about:blank":
        assert problem["title"] == name_of(HTTPStatus(status))
    return problem
