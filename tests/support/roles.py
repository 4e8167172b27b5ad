"""Staff of each role, and what each may do on each page of the admin."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from microstore.messaging.dead_letters import store
from microstore.messaging.models import OutboxMessage, QueueDepth
from microstore.staff.models import StaffAction
from microstore.staff.roles import grant_roles
from tests.support.admin_models import SITE

ROLES = ALL = ("support", "finance", "operations")
OPERATIONS = ("operations",)
LOOK = ("changelist", "change", "history")
OPEN_TO_ALL_STAFF = {
    *("index", "login", "logout", "password_change", "password_change_done", "jsi18n"),
    *("autocomplete", "app_list", "trace", "second-factor", "enrol-second-factor", "change-second-factor"),
}


def pages_of_models(see: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Return the roles of each page that both admins have; `see` names those who may read a model's rows."""
    return {
        **{f"{model}_{page}": roles for model, roles in see.items() for page in LOOK},
        **{f"{model}_{page}": () for model in see for page in ("add", "delete")},
        "auth_user_password_change": (),
        "messaging_deadletter_groups": OPERATIONS,
        "messaging_deadletter_decide": OPERATIONS,
    }


def client_as(role: str) -> Client:
    """Somebody with this role and no other right; `admin` has all of them."""
    grant_roles()
    user = User.objects.create_user(f"one-of-{role}", is_staff=True, is_superuser=role == "admin")
    if role in ROLES:
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def named_pages() -> set[str]:
    """The names of all pages of the admin."""
    return {name for name in _names(SITE.get_urls()) if name and name not in OPEN_TO_ALL_STAFF}


def _names(patterns: Iterable[Any]) -> Iterator[str | None]:
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from _names(pattern.url_patterns)
        else:
            yield pattern.name


def url_of_page(name: str, rows: Mapping[str, Any]) -> str:
    """Its address, with the row of its model where it is about one."""
    about_a_row = re.fullmatch("(.+?_.+?)_(password_change|customer|change|delete|history)", name)
    return reverse(f"admin:{name}", args=[rows[about_a_row[1]].pk] if about_a_row else [])


def may_open(client: Client, url: str) -> bool:
    """Whether the page is shown; anything but a page or a refusal is a fault."""
    status = client.get(url).status_code
    assert status in (200, 302, 403), (url, status)
    return status != 403


def rows_of_both(trace: str) -> dict[str, Any]:
    """One row of each model that both admins have; the messages have this trace."""
    return {
        "auth_group": Group.objects.create(name="a group"),
        "messaging_outboxmessage": OutboxMessage.objects.create(
            contract="item_sold", payload={"trace": trace}
        ),
        "messaging_queuedepth": QueueDepth.objects.create(
            queue="listings", messages=0, consumers=1, measured_at=timezone.now()
        ),
        "messaging_deadletter": store.dead_letter(
            contract="item_sold", payload={"trace": trace}, error=ValueError("why"), attempts=3
        ),
        "staff_staffaction": StaffAction.objects.create(action="looked", by="carol"),
    }


def actions_offered(client: Client, models: Iterable[str]) -> dict[str, set[str]]:
    """The actions that the lists of these models offer; those without any are left out."""
    offered = {model: _actions_of(client, f"/admin/{model.replace('_', '/')}/") for model in models}
    return {model: actions for model, actions in offered.items() if actions}


def _actions_of(client: Client, url: str) -> set[str]:
    response = client.get(url)
    if response.status_code == 403:
        return set()
    changes = response.context["cl"]
    choices = changes.model_admin.get_action_choices(response.wsgi_request, [])
    return {name for name, _ in choices}
