"""What a page answers."""

from typing import Any


def text(response: Any, status: int = 200) -> str:
    """The page."""
    assert response.status_code == status, response.content[:500]
    return str(response.content.decode())


def address(response: Any) -> str:
    """Where the browser is sent."""
    assert response.status_code == 302, response.content[:500]
    return str(response.url)
