"""Trace search in all services: each queries the others over HTTP on behalf of a staff member.

The query is signed with STAFF_KEY, which all services share, and valid for a minute. It names the roles of
the staff member, and each service returns what these roles may see there.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from django.core import signing
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from microstore.http.calls import CallFailed, call_service
from microstore.staff.overview import Found
from microstore.staff.trace import Trace, find_here

log = structlog.get_logger(__name__)

SALT = "microstore.staff.trace"
VALID_SECONDS = 60
TIMEOUT_SECONDS = (2, 8)
MAX_TERMS = 60


@dataclass(frozen=True)
class Viewer:
    """Staff member on whose behalf a search runs, with these roles or with every permission."""

    name: str
    roles: tuple[str, ...] = ()
    everything: bool = False
    here: frozenset[str] = frozenset()  # permissions in this service; the others decide by the roles


def viewer_of(user: Any) -> Viewer:
    """Return the viewer for a user who has logged in."""
    # To the other services a superuser has all roles and no more: each has superusers of its own.
    groups = Group.objects.all() if user.is_superuser else user.groups.all()
    roles = tuple(groups.values_list("name", flat=True))
    permissions = frozenset(user.get_all_permissions())
    return Viewer(user.get_username(), roles, everything=user.is_superuser, here=permissions)


def find_everywhere(term: str, viewer: Viewer) -> Trace:
    """Return what all services have about the term, oldest first, as far as the viewer may see it."""
    here = find_for(viewer, {term})
    there = query_peers({term, *here.trace_ids}, viewer)
    # An order's id may lead to its trace only in the other service; messages and log lines here have it, too.
    if there.trace_ids - here.trace_ids:
        here = find_for(viewer, {term, *there.trace_ids})
    here.add(there)
    here.found.sort(key=lambda row: (row.at is None, row.at))
    return here


def find_for(viewer: Viewer, terms: set[str]) -> Trace:
    """Return what this service has about the terms and the viewer may see."""
    trace = find_here(terms)
    visible = [row for row in trace.found if viewer.everything or row.permission in {"", *viewer.here}]
    trace.hidden, trace.found = len(trace.found) - len(visible), visible
    return trace


def query_peers(terms: Iterable[str], viewer: Viewer) -> Trace:
    """Query the other services in parallel; one that fails adds a sentence to the trace's problems."""
    trace = Trace()
    peers = list(settings.PEER_URLS) if settings.STAFF_KEY else []
    if not peers:
        return trace
    who = {"name": viewer.name, "roles": viewer.roles}
    question = signing.dumps({"terms": sorted(terms)[:MAX_TERMS], **who}, key=settings.STAFF_KEY, salt=SALT)
    with ThreadPoolExecutor(len(peers)) as pool:
        for answer in pool.map(lambda service: _query(service, question), peers):
            trace.add(answer)
    return trace


def _query(service: str, question: str) -> Trace:
    url = f"{settings.PEER_URLS[service]}/staff/trace"
    try:
        answer = call_service("POST", url, data={"question": question}, timeout_seconds=TIMEOUT_SECONDS)
        return _read(service, answer)
    except (CallFailed, ValueError, KeyError, TypeError) as error:
        why = type(error.__cause__ or error).__name__
        return Trace(problems=[f"The {service} service could not be queried: {why}."])


def _read(service: str, answer: dict[str, Any]) -> Trace:
    admin = settings.PEER_ADMIN_URLS.get(service, settings.PEER_URLS[service])
    found = []
    for row in answer["found"]:
        at, url = row["at"] and datetime.fromisoformat(row["at"]), row["url"] and f"{admin}{row['url']}"
        found.append(Found(**row | {"service": service, "at": at, "url": url}))
    return Trace(found, set(answer["trace_ids"]), int(answer["hidden"]))


@require_POST
def answer_peer(request: HttpRequest) -> JsonResponse:
    """Return what this service has about a trace to another service: `POST /staff/trace`."""
    query = read_query(request.POST.get("question", ""))
    if query is None:
        return JsonResponse({"detail": "This is for the other services."}, status=HTTPStatus.FORBIDDEN)
    viewer = Viewer(query["name"], tuple(query["roles"]), here=permissions_of(query["roles"]))
    trace = find_for(viewer, set(query["terms"]))
    log.info("trace_queried", by=viewer.name, roles=viewer.roles, terms=query["terms"])
    found = [asdict(row) for row in trace.found]
    return JsonResponse({"found": found, "trace_ids": sorted(trace.trace_ids), "hidden": trace.hidden})


def read_query(text: str) -> dict[str, Any] | None:
    """Return the query that a service has signed within VALID_SECONDS, else None."""
    # Without a key anybody could sign; a replay within the minute returns rows and changes none.
    if not settings.STAFF_KEY:
        return None
    try:
        signed = signing.loads(text, key=settings.STAFF_KEY, salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        return None
    return dict(signed)


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """Return the permissions of these roles in this service."""
    granted = Permission.objects.filter(group__name__in=list(roles))
    named = granted.values_list("content_type__app_label", "codename")
    return frozenset(f"{app}.{codename}" for app, codename in named)
