"""The pages that axe sees are all that there are."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from listings.pages.urls import urlpatterns
from tests.support.addresses import UUID, addresses
from tests.support.shop_pages import FOREIGN, NO_PAGES, PAGES

pytestmark = pytest.mark.django_db


def name_of(path: str) -> str:
    """The name of the path's pattern, or of its view where that has none."""
    return resolve(re.sub(r"{\w+}", UUID, path.partition("?")[0])).view_name


def is_served(path: str) -> bool:
    """Whether a pattern takes what `addresses` has put into its places."""
    try:
        return bool(resolve(path.partition("?")[0]))
    except Resolver404:
        return False


def is_page_of_shop(answer: Any) -> bool:
    """Whether the shop has a page there, whoever may see it."""
    return bool(answer.resolver_match.namespace == "shop" and answer.status_code != 405)


def is_html(answer: Any) -> bool:
    return bool(answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/html"))


def test_every_page_is_in_the_list_of_those_that_are_tried(client: Client) -> None:
    paths = [path for path in addresses() if not path.startswith("/admin/")]  # which has its own test
    answers = {path: client.get(path) for path in paths if is_served(path)}
    assert {pattern.name for pattern in urlpatterns} <= {
        each.resolver_match.url_name for each in answers.values()
    }
    shown = {name_of(path) for path, answer in answers.items() if is_page_of_shop(answer) or is_html(answer)}
    listed = {name_of(path) for paths in PAGES.values() for path in paths}
    assert listed == shown - {f"shop:{name}" for name in NO_PAGES} - FOREIGN
