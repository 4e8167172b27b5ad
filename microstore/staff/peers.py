"""One place to ask for a trace: the services ask each other over HTTP, in the name of who asks.

The question is signed with STAFF_KEY, which all services have, and is good for a minute. It names the roles
of who asks: each service shows what these roles may see there.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import requests
import structlog
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.http import HttpRequest, JsonResponse

from microstore.staff.overview import Found
from microstore.staff.trace import Trace, find_here

log = structlog.get_logger(__name__)

SALT = "microstore.staff.trace"
GOOD_FOR_SECONDS = 60
TIMEOUT_SECONDS = (2, 8)
MAX_TERMS = 60


@dataclass(frozen=True)
class Asker:
    """Who asks: somebody with these roles, or with every right."""

    name: str
    roles: tuple[str, ...] = ()
    everything: bool = False
    here: frozenset[str] = frozenset()  # what they may in this service; the others go by the roles


def asker_of(user: Any) -> Asker:
    """Staff who have logged in."""
    # Of a superuser the others believe no more than all roles: each service decides for itself who may all.
    groups = Group.objects.all() if user.is_superuser else user.groups.all()
    roles = tuple(groups.values_list("name", flat=True))
    permissions = frozenset(user.get_all_permissions())
    return Asker(user.get_username(), roles, everything=user.is_superuser, here=permissions)


def find_everywhere(term: str, asker: Asker) -> Trace:
    """What all services know, oldest first, as far as the asker may see it."""
    here = find_for(asker, {term})
    there = ask_peers({term, *here.trace_ids}, asker)
    if there.trace_ids - here.trace_ids:
        here = find_for(asker, {term, *there.trace_ids})
    here.add(there)
    here.found.sort(key=lambda row: (row.at is None, row.at))
    return here


def find_for(asker: Asker, terms: set[str]) -> Trace:
    """What this service knows, without what is not for the asker."""
    trace = find_here(terms)
    visible = [row for row in trace.found if asker.everything or row.permission in {"", *asker.here}]
    trace.hidden, trace.found = len(trace.found) - len(visible), visible
    return trace


def ask_peers(terms: Iterable[str], asker: Asker) -> Trace:
    """What the other services know, asked side by side; one that does not answer is a problem named."""
    trace = Trace()
    peers = list(settings.PEER_URLS) if settings.STAFF_KEY else []
    if not peers:
        return trace
    who = {"name": asker.name, "roles": asker.roles}
    question = signing.dumps({"terms": sorted(terms)[:MAX_TERMS], **who}, key=settings.STAFF_KEY, salt=SALT)
    with ThreadPoolExecutor(len(peers)) as pool:
        for answer in pool.map(lambda service: _ask(service, question), peers):
            trace.add(answer)
    return trace


def _ask(service: str, question: str) -> Trace:
    url = f"{settings.PEER_URLS[service]}/staff/trace"
    try:
        response = requests.post(url, data={"question": question}, timeout=TIMEOUT_SECONDS)
        response.raise_for_status()
        return _read(service, response.json())
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        return Trace(problems=[f"The {service} service could not be asked: {type(error).__name__}."])


def _read(service: str, answer: dict[str, Any]) -> Trace:
    admin = settings.PEER_ADMIN_URLS.get(service, settings.PEER_URLS[service])
    found = []
    for row in answer["found"]:
        at, url = row["at"] and datetime.fromisoformat(row["at"]), row["url"] and f"{admin}{row['url']}"
        found.append(Found(**row | {"service": service, "at": at, "url": url}))
    return Trace(found, set(answer["trace_ids"]), int(answer["hidden"]))


def answer_peer(request: HttpRequest) -> JsonResponse:
    """`POST /staff/trace`: another service asks, for somebody of the staff."""
    asked = read_question(request.POST.get("question", ""))
    if asked is None:
        return JsonResponse({"detail": "This is for the other services."}, status=HTTPStatus.FORBIDDEN)
    asker = Asker(asked["name"], tuple(asked["roles"]), here=permissions_of(asked["roles"]))
    trace = find_for(asker, set(asked["terms"]))
    log.info("trace_asked", by=asker.name, roles=asker.roles, terms=asked["terms"])
    found = [asdict(row) for row in trace.found]
    return JsonResponse({"found": found, "trace_ids": sorted(trace.trace_ids), "hidden": trace.hidden})


def read_question(text: str) -> dict[str, Any] | None:
    """What is asked, if one of the services has signed it just now."""
    if not settings.STAFF_KEY:
        return None
    try:
        signed = signing.loads(text, key=settings.STAFF_KEY, salt=SALT, max_age=GOOD_FOR_SECONDS)
    except signing.BadSignature:
        return None
    return dict(signed)


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """What these roles may do in this service."""
    granted = Permission.objects.filter(group__name__in=list(roles))
    named = granted.values_list("content_type__app_label", "codename")
    return frozenset(f"{app}.{codename}" for app, codename in named)
