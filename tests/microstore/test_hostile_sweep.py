"""Every address, list and form of the service, the admin's included, with text that no parser expects."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage, QueueDepth
from microstore.staff.models import StaffAction
from tests.support.addresses import addresses
from tests.support.admin_models import REGISTERED

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(120)]

HOSTILE = ("a\0b", "1e999997", "9" * 5_000, "[" * 999, "\ud7ff", "%00'\"\\")
WORST = ("a\0b", "9" * 5_000, "\ud7ff")  # where each one takes a request of its own
OF_LISTS = (
    *("q", "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "_facets", "status__exact"),
    *(
        "age",
        "currency",
        "category__exact",
        "id__gt",
        "cause",
        "group",
        "id",
        "ids",
        "reason",
        "rate",
        "action",
    ),
)
OF_PAGES = (
    "next",
    "search",
    "cursor",
    "page_size",
    "format",
    "lang",
    "version",
    "term",
    "app_label",
    "script",
)
FIELD = re.compile(r"<(?:input|textarea|select)[^>]* name=\"([^\"]+)\"")
ACTION = re.compile(r"<(?:option|input[^>]* name=\"action\") value=\"(\w+)\"")
LOGS_OUT = re.compile("log-?out")


@pytest.fixture
def staff(client: Client) -> Client:
    """Somebody who may do everything, among one row of each kind that both services have."""
    Group.objects.create(name="a group")
    StaffAction.objects.create(action="looked", by="carol")
    store.dead_letter(contract="item_sold", payload={"lamp": 1}, error=ValueError("why"), attempts=3)
    OutboxMessage.objects.create(contract="item_sold", payload={"lamp": 1})
    QueueDepth.objects.create(queue="listings", messages=0, consumers=1, measured_at=timezone.now())
    client.force_login(User.objects.create_superuser("carol"))
    client.raise_request_exception = False
    return client


def check(response: Any, *told: object) -> None:
    assert response.status_code < 500, (told, response.content[:300])


def pages_of_models(*pages: str) -> Iterator[str]:
    """The admin's pages of every model; those of a row with the first one."""
    for model in REGISTERED:
        for page in pages:
            row = model._default_manager.first()
            arguments = [] if page in ("changelist", "add") else [row.pk if row else 1]
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_address_is_answered_whatever_its_query_says(staff: Client, text: str) -> None:
    everything = dict.fromkeys((*OF_LISTS, *OF_PAGES), text)
    for address in sorted(set(addresses())):
        if not LOGS_OUT.search(address):
            check(staff.get(address, everything), address)
            check(staff.post(address, everything), address)


def test_every_list_of_the_admin_is_answered_whatever_one_parameter_says(staff: Client) -> None:
    for address in pages_of_models("changelist"):
        for name in OF_LISTS:
            for text in WORST:
                check(staff.get(address, {name: text}), address, name, text[:20])


def test_every_row_of_the_admin_is_answered_whatever_its_key(staff: Client) -> None:
    for page in ("change", "history", "delete"):
        for address in pages_of_models(page):
            for text in HOSTILE:
                head, _, tail = address.rpartition(f"/{page}/")
                key = quote(text, safe="")
                check(staff.get(f"{head.rpartition('/')[0]}/{key}/{page}/{tail}"), address, text[:20])
    for kind in ContentType.objects.all():
        check(staff.get(f"/admin/r/{kind.pk}/lamp/"), kind)


def test_every_action_of_the_admin_is_answered_whatever_rows_are_selected(staff: Client) -> None:
    acted = 0
    for address in pages_of_models("changelist", "change"):
        page = staff.get(address).content.decode()
        for action in set(ACTION.findall(page)):
            acted += 1
            for key in ("", "-1", "1.5", *HOSTILE):
                form = {"action": action, "_selected_action": key, "reason": "because"}
                check(staff.post(address, form), address, action, key[:20])
    assert acted


def test_every_form_of_the_admin_is_answered_whatever_is_in_it(staff: Client) -> None:
    forms = [
        *pages_of_models("add", "change"),
        "/admin/password_change/",
        "/admin/messaging/deadletter/decide/",
    ]
    forms.append(f"/admin/auth/user/{User.objects.get().pk}/password/")
    seen = 0
    for address in forms:
        page = staff.get(address)
        names = set(FIELD.findall(page.content.decode())) - {"csrfmiddlewaretoken"}
        seen += len(names)
        for text in HOSTILE:
            check(staff.post(address, dict.fromkeys(names, text)), address, text[:20])
        for name in names:
            check(staff.post(address, {name: WORST[0]}), address, name)
    assert seen > 20
    assert DeadLetter.objects.count() == 1


@pytest.mark.parametrize("field", ["username", "password", "next", "csrfmiddlewaretoken"])
def test_the_log_in_of_the_admin_is_answered_whatever_is_in_it(client: Client, field: str) -> None:
    client.raise_request_exception = False
    for text in WORST:
        form = {"username": "carol", "password": "x", "next": "/admin/"} | {field: text}
        check(client.post("/admin/login/", form, REMOTE_ADDR=text[:200]), text[:20])


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("accept", "content"), [("text/html", "text/html"), ("*/*", "application/problem+json")]
)
def test_what_a_request_does_wrong_is_said_in_our_own_words(
    settings: Any, accept: str, content: str, *, debug: bool
) -> None:
    settings.DEBUG = debug
    stranger = Client(enforce_csrf_checks=True, raise_request_exception=False)
    headers = {"Accept": accept}
    many = "&".join(f"a{number}=1" for number in range(2_000))
    login = stranger.get("/admin/login/")
    token = {"X-CSRFToken": login.cookies[settings.CSRF_COOKIE_NAME].value}
    send = partial(stranger.post, "/admin/login/", content_type="application/x-www-form-urlencoded")
    refused = {
        "a foreign host": (400, stranger.get("/admin/login/", headers={**headers, "Host": "evil.example"})),
        "a host that is none": (400, stranger.get("/admin/login/", headers={**headers, "Host": "a b"})),
        "no form of ours": (403, stranger.post("/admin/login/", {"username": "x"}, headers=headers)),
        "too many fields": (400, send(many, headers=headers | token)),
        "too large": (
            413,
            send("a=" + "1" * 300_000, headers=headers | token),
        ),
    }
    for what, (status, answer) in refused.items():
        assert answer.status_code == status, what
        assert answer.headers["Content-Type"].startswith(content), what
        assert b"DEBUG" not in answer.content, what
        assert b"Django" not in answer.content, what
