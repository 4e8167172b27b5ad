"""History of an account: log-ins and changes, recorded at every door by Django's signals."""

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from uuid_utils.compat import uuid7

from listings.accounts.browser_sessions import LOG_IN
from listings.accounts.models import AccountEvent, BrowserSession
from microstore.database.texts import printable

DEVICE_CHARACTERS = 200


def record(kind: AccountEvent.Kind, user_id: int, *, request: HttpRequest | None) -> None:
    """Insert an event of the account, in the caller's transaction."""
    AccountEvent.objects.create(kind=kind, user_id=user_id, **seen_from(request))


def events_of(user_id: int) -> QuerySet[AccountEvent]:
    """Return what happened to the account."""
    return AccountEvent.objects.filter(user=user_id)


def seen_from(request: HttpRequest | None) -> dict[str, Any]:
    """Return address and User-Agent of the request, as the columns of Client."""
    from microstore.staff.login_guard import address_of  # noqa: PLC0415  # it loads DRF, which no worker needs

    agent = request.META.get("HTTP_USER_AGENT", "") if request else ""
    # Headers are read as Latin-1, so that no lone surrogate can be in them.
    return {"address": address_of(request), "device": printable(agent)[:DEVICE_CHARACTERS]}


def connect() -> None:
    """Record log-ins and wrong passwords from now on, at whichever door."""
    user_logged_in.connect(_logged_in, dispatch_uid="account history")
    user_login_failed.connect(_failed, dispatch_uid="account history")


def _logged_in(sender: object, request: HttpRequest, user: User, **_: Any) -> None:
    columns = seen_from(request)
    request.session[LOG_IN] = {
        **columns,
        "public_id": str(uuid7()),
        "created_at": timezone.now().isoformat(),
    }
    # Deleted here, since nothing else cleans the table.
    BrowserSession.objects.filter(user=user, expire_date__lt=Now()).delete()
    AccountEvent.objects.create(kind=AccountEvent.Kind.LOGGED_IN, user=user, **columns)


def _failed(
    sender: object, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any
) -> None:
    # The guard bounds how many there are: it refuses further guesses before a password is checked.
    name = User.normalize_username(str(credentials.get("username", "")))
    user_id = User.objects.filter(username=name.replace("\0", "")).values_list("id", flat=True).first()
    if user_id:
        record(AccountEvent.Kind.WRONG_PASSWORD, user_id, request=request)
