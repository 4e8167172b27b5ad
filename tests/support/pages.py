"""What a page answers."""

import re
from typing import Any


def text(response: Any, status: int = 200) -> str:
    """The page."""
    assert response.status_code == status, response.content[:500]
    return str(response.content.decode())


def address(response: Any) -> str:
    """Where the browser is sent."""
    assert response.status_code == 302, response.content[:500]
    return str(response.url)


def form_of(page: Any, action: str) -> dict[str, str]:
    """The hidden fields of the form with this address, as a browser sends them."""
    form = page.content.decode().partition(f'action="{action}"')[2].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form))
