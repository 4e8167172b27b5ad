"""Open sessions of an account, of the API and of browsers alike: listing and ending them."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.translation import gettext

from listings.accounts import history
from listings.accounts.models import AccountEvent, BrowserSession, Session
from listings.refusals import SessionNotFound

MAX_LISTED = 100  # of each kind, the newest


class OpenSession(NamedTuple):
    """A session as its owner sees it; `kind` is `api` or `browser`."""

    id: UUID
    kind: str
    created_at: datetime
    expires_at: datetime
    address: str | None
    device: str


def sessions_of(user_id: int) -> list[OpenSession]:
    """Return the open sessions of the user, newest first."""
    return sorted(_read(user_id), key=lambda each: each.created_at, reverse=True)


def _read(user_id: int) -> Iterator[OpenSession]:
    columns = ("created_at", "address", "device")
    api = Session.objects.filter(user=user_id, expires_at__gt=Now()).order_by("-created_at")
    for key, expires_at, created_at, address, device in api.values_list("id", "expires_at", *columns)[
        :MAX_LISTED
    ]:
        yield OpenSession(key, "api", created_at, expires_at, address, device)
    browsers = BrowserSession.objects.filter(
        user=user_id, expire_date__gt=Now(), public_id__isnull=False, created_at__isnull=False
    ).order_by("-created_at")
    for key, expires_at, created_at, address, device in browsers.values_list(
        "public_id", "expire_date", *columns
    )[:MAX_LISTED]:
        yield OpenSession(key, "browser", created_at, expires_at, address, device)


def end_session(session_id: UUID, *, user_id: int, request: HttpRequest) -> None:
    """End a session of the user; raises SessionNotFound, also for the sessions of others."""
    with transaction.atomic():
        ended, _ = Session.objects.filter(id=session_id, user=user_id).delete()
        if not ended:
            ended, _ = BrowserSession.objects.filter(public_id=session_id, user=user_id).delete()
        if not ended:
            raise SessionNotFound(gettext("You have no such session."))
        history.record(AccountEvent.Kind.SESSIONS_ENDED, user_id, request=request)


def end_others(user_id: int, *, but: UUID | None, request: HttpRequest) -> int:
    """End all sessions of the user but this one, and return how many there were."""
    with transaction.atomic():
        ended = end_all(user_id, but=but)
        history.record(AccountEvent.Kind.SESSIONS_ENDED, user_id, request=request)
        return ended


def end_all(user_id: int, *, but: UUID | None = None) -> int:
    """End all sessions of the user, in the caller's transaction, and return how many there were."""
    # Access tokens are not in a table: those that were issued end within half an hour (docs/decisions/0009).
    api, browsers = Session.objects.filter(user=user_id), BrowserSession.objects.filter(user=user_id)
    if but:
        api, browsers = api.exclude(id=but), browsers.exclude(public_id=but)
    return api.delete()[0] + browsers.delete()[0]
