"""Guard of every door at which a password is checked: admin, pages, token endpoint, change of password.

It is an authentication backend, so a new door has it without knowing of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from rest_framework.throttling import BaseThrottle

from microstore.database.clock import database_now
from microstore.database.texts import nfkc
from microstore.http.limits import network_of, read_address
from microstore.refusal import TooManyFailures
from microstore.staff.actions import record
from microstore.staff.models import FailedLogin, KnownNetwork

WINDOW = timedelta(minutes=15)
FAILURES_OF_ONE = 5  # in WINDOW, with one name from one network
FAILURES_OF_NETWORK = 20  # in WINDOW, with any name
SITE_PREFIX = 48  # what one line gets at most (RIPE-690)
FAILURES_OF_SITE = 10  # in WINDOW, with one name
# A botnet guesses from many sites. One alone never comes to so many: FAILURES_OF_SITE stops it before.
NAME_WINDOW = timedelta(hours=1)
FAILURES_OF_NAME = 50  # in NAME_WINDOW; each further one doubles the wait, from a second to WINDOW
MOST_DOUBLINGS = 10
KEPT_FOR = timedelta(days=1)
KNOWN_FOR = timedelta(days=90)
DELETED_AT_ONCE = 1_000
NEVER = datetime.min.replace(tzinfo=UTC)
UNKNOWN_NAME = "(unknown name)"


class GuardedBackend(ModelBackend):
    """Django's backend behind limits of failures, with a record of each attempt at a staff account.

    `authenticate` raises TooManyFailures where the name or the request's network has reached a limit.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        username: str | None = None,
        password: str | None = None,
        **kwargs: Any,
    ) -> User | None:
        if username is None or password is None:
            return None
        with counted_failure(request, username) as attempt:
            user = super().authenticate(request, username=username, password=password, **kwargs)
            attempt.succeeded = user is not None
        _record(request, username, address_of(request), succeeded=user is not None)
        return user


@dataclass
class Attempt:
    """An attempt at a password or a code; it counts as a failure unless `succeeded` is set."""

    succeeded: bool = False


@contextmanager
def counted_failure(request: HttpRequest | None, name: str) -> Iterator[Attempt]:
    """Run a block that checks a secret of this name; raises TooManyFailures before it."""
    # Stored before the secret is checked, and taken back where it is right: guesses at the same moment count
    # each other.
    address = address_of(request) or ""
    network, site = network_of(address), network_of(address, prefix=SITE_PREFIX)
    stored = FailedLogin.objects.create(name=hash_name(name), network=network, site=site, at=Now())
    ensure_not_locked(stored)
    attempt = Attempt()
    yield attempt
    if attempt.succeeded:
        FailedLogin.objects.filter(name=stored.name, network=stored.network).delete()
        remember_network(stored)
    else:
        delete_old_rows()


def normalise(name: str) -> str:
    """Return the name as failures are counted by it: spelling variants of one name are one name."""
    return nfkc(name).casefold().replace("\0", "").strip()[:150]


def hash_name(name: str) -> str:
    """Return the keyed hash by which failures with this name are counted."""
    # What was typed is often an e-mail address, and now and then a password: it is stored nowhere.
    return _keyed_hash(normalise(name))


def address_of(request: HttpRequest | None) -> str | None:
    """Return the client's address, behind as many proxies as PROXIES says; None where it is invalid."""
    if request is None:
        return None
    named = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    address = read_address(named or "")
    return str(address) if address else None


def ensure_not_locked(attempt: FailedLogin) -> None:
    """Take the attempt back and raise TooManyFailures where it is one too many.

    From a network that is known for the name the failures of others do not count: nobody locks an owner out
    of where they have logged in before.
    """
    now = database_now()
    others = FailedLogin.objects.exclude(pk=attempt.pk).filter(at__gte=now - NAME_WINDOW)
    of_name, of_network = others.filter(name=attempt.name), others.filter(network=attempt.network)
    until = max(
        _end_of_wait(of_name.filter(network=attempt.network), FAILURES_OF_ONE),
        _end_of_wait(of_network, FAILURES_OF_NETWORK),
    )
    if not KnownNetwork.objects.filter(pk=_known_as(attempt), at__gte=now - KNOWN_FOR).exists():
        of_site = _end_of_wait(of_name.filter(site=attempt.site), FAILURES_OF_SITE)
        until = max(until, of_site, _end_of_growing_wait(of_name))
    if until > now:
        attempt.delete()
        wait = max(1, round((until - now).total_seconds()))
        text = gettext("Too many failed log-ins. Try again in {wait} seconds.")
        raise TooManyFailures(text.format(wait=wait), retry_after_seconds=wait)


def _end_of_wait(failures: QuerySet[FailedLogin], most: int) -> datetime:
    # When the last failure but so many is so old that it counts no more.
    times = failures.order_by("-id").values_list("at", flat=True)[most - 1 : most]
    return times[0] + WINDOW if times else NEVER


def _end_of_growing_wait(of_name: QuerySet[FailedLogin]) -> datetime:
    # Sliced, so that counting stops soon, however many failures an attacker adds.
    times = list(of_name.order_by("-id").values_list("at", flat=True)[: FAILURES_OF_NAME + MOST_DOUBLINGS])
    if len(times) < FAILURES_OF_NAME:
        return NEVER
    return times[0] + min(timedelta(seconds=2 ** (len(times) - FAILURES_OF_NAME)), WINDOW)


def remember_network(attempt: FailedLogin) -> None:
    """Store that the attempt's network knew the secret of its name; an unknown address is not remembered."""
    if attempt.network:
        known = KnownNetwork(digest=_known_as(attempt), at=Now())
        KnownNetwork.objects.bulk_create(
            [known], update_conflicts=True, unique_fields=["digest"], update_fields=["at"]
        )


def _known_as(attempt: FailedLogin) -> str:
    # One digest, so that no table says from where an account's owner has logged in.
    return _keyed_hash(f"{attempt.name} {attempt.network}")


def _keyed_hash(text: str) -> str:
    return salted_hmac("microstore.staff.login_guard", text, algorithm="sha256").hexdigest()


def delete_old_rows() -> None:
    """Delete failures and known networks that count no more, DELETED_AT_ONCE of each at most."""
    now = database_now()
    for rows, kept_for in ((FailedLogin.objects, KEPT_FOR), (KnownNetwork.objects, KNOWN_FOR)):
        old = rows.filter(at__lt=now - kept_for).values_list("pk", flat=True)[:DELETED_AT_ONCE]
        rows.filter(pk__in=list(old)).delete()


def _record(request: HttpRequest | None, name: str, address: str | None, *, succeeded: bool) -> None:
    # Shoppers' log-ins are no staff actions, but whatever is tried at the admin's own door is.
    user = User.objects.filter(username=name.replace("\0", "")[:150]).only("username", "is_staff").first()
    is_staff = user is not None and user.is_staff
    match = request.resolver_match if request else None
    if is_staff or (match is not None and match.app_name == "admin"):
        # Only staff's own names are kept for good.
        by = UNKNOWN_NAME if user is None else user.username if is_staff else f"user {user.pk}"
        record("logged in" if succeeded else "failed to log in", by=by, address=address)
