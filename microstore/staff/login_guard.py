"""Log-ins of staff: each attempt is recorded, and repeated failures lock the name or address."""

from datetime import timedelta
from ipaddress import ip_address

from django.http import HttpRequest
from django.utils import timezone
from rest_framework.throttling import BaseThrottle

from microstore.staff.actions import record
from microstore.staff.models import StaffAction

WINDOW = timedelta(minutes=15)
FAILURES_OF_ONE = 5  # with one name from one address
FAILURES_OF_ADDRESS = 20  # with any name
FAILURES_OF_NAME = 50  # from anywhere: a botnet guesses from many addresses
LOCKED = "Too many failed log-ins. Wait a quarter of an hour, and try again.\n"


def address_of(request: HttpRequest) -> str | None:
    """Return the client's address, behind as many proxies as PROXIES says; None where it is invalid."""
    address = BaseThrottle().get_ident(request)  # type: ignore[arg-type]  # it reads META alone
    try:
        return str(ip_address(address.strip()))
    except ValueError:
        return None


def is_locked(name: str, address: str | None) -> bool:
    """Return whether the name or the address has failed too often within WINDOW."""
    # Attempts at the same moment see no record of each other: as many as run in parallel exceed the limit.
    failures = StaffAction.objects.filter(action="failed to log in", at__gte=timezone.now() - WINDOW)
    of_name = failures.filter(by=name)
    # Sliced, so that counting stops at the limit, however many failures an attacker adds.
    return (
        of_name.filter(address=address)[:FAILURES_OF_ONE].count() >= FAILURES_OF_ONE
        or failures.filter(address=address)[:FAILURES_OF_ADDRESS].count() >= FAILURES_OF_ADDRESS
        or of_name[:FAILURES_OF_NAME].count() >= FAILURES_OF_NAME
    )


def record_login(name: str, address: str | None, *, succeeded: bool) -> None:
    """Insert a StaffAction for the attempt."""
    record("logged in" if succeeded else "failed to log in", by=name or "nobody", address=address)
