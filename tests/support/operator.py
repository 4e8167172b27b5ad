"""An operator who has nothing but the admin of each service, by HTTP."""

import re
import uuid
from dataclasses import dataclass, field
from html import unescape
from typing import Any

import requests
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from tests.support.market import Market

PASSWORD = "keeps the till running"
SERVICES = ("listings", "transactions")


@dataclass
class Operator:
    """Logged in to both admins."""

    market: Market
    role: str = "operations"
    name: str = field(default_factory=lambda: f"operator-{uuid.uuid4().hex[:8]}")
    sessions: dict[str, requests.Session] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for service in SERVICES:
            self._employ(service)
            self.sessions[service] = requests.Session()
            page = self.post(service, "/admin/login/", username=self.name, password=PASSWORD, next="/admin/")
            assert "Log out" in page, page[-2000:]

    def read(self, service: str, path: str) -> str:
        """A page's text, without its tags."""
        return as_text(self._get(service, path))

    def links(self, service: str, path: str, pattern: str) -> list[str]:
        """Where the links of a page lead whose addresses are like this."""
        found = re.findall(r'href="([^"]+)"', self._get(service, path))
        return [link for link in map(unescape, found) if re.search(pattern, link)]

    def post(self, service: str, path: str, **fields: str) -> str:
        """Fill in the form of a page, and press the button; returns the text of the next page."""
        form = dict(
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self._get(service, path))
        )
        action = re.search(r'<form method="post" action="([^"]+)" class="staff-decide"', self._page)
        url = self._url(service) + (action[1] if action else path)
        headers = {"Referer": url}
        response = self.sessions[service].post(url, data=form | fields, headers=headers, timeout=30)
        assert response.status_code == 200, (response.status_code, response.text[-500:])
        return as_text(response.text)

    def _get(self, service: str, path: str) -> str:
        response = self.sessions[service].get(self._url(service) + path, timeout=30)
        assert response.status_code == 200, (path, response.status_code)
        self._page = response.text
        return self._page

    def _url(self, service: str) -> str:
        return self.market.listings_url if service == "listings" else self.market.transactions_url

    def _employ(self, service: str) -> None:
        query: Any = self.market.listings if service == "listings" else self.market.transactions
        query(
            "WITH made AS (INSERT INTO auth_user (username, password, email, first_name, last_name,"
            " is_superuser, is_staff, is_active, date_joined) VALUES (%s, %s, '', '', '', false, true, true,"
            " now()) RETURNING id) INSERT INTO auth_user_groups (user_id, group_id)"
            " SELECT made.id, auth_group.id FROM made, auth_group WHERE name = %s RETURNING id",
            self.name,
            PBKDF2PasswordHasher().encode(PASSWORD, "salt", iterations=1),
            self.role,
        )


def as_text(page: str) -> str:
    """What a person reads of a page."""
    body = re.sub(r"(?s)<(script|style|head).*?</\1>", "", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body)))
