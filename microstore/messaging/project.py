"""Settings by which a project gives messaging its contracts, its Celery app and two functions."""

from collections.abc import Sequence
from functools import cache
from uuid import UUID

from celery import Celery
from django.conf import settings
from django.utils.module_loading import import_string

from microstore.contracts.contract import Message
from microstore.contracts.registration import Registry


def registry() -> Registry:
    """Return the contracts, services and listeners of MESSAGING_REGISTRY."""
    found: Registry = settings.MESSAGING_REGISTRY
    return found


@cache
def celery_app() -> Celery:
    """Return the Celery app of the dotted path MESSAGING_CELERY_APP.

    It is named, and not Celery's current app: that is another one in a process which has not imported it yet,
    and chains and retries would go to that one's broker.
    """
    app: Celery = import_string(settings.MESSAGING_CELERY_APP)
    return app


def record_decision(action: str, *, by: str, target: str, reason: str) -> None:
    """Call the function of MESSAGING_RECORD_DECISION, if any, in the transaction of the decision."""
    if settings.MESSAGING_RECORD_DECISION:
        import_string(settings.MESSAGING_RECORD_DECISION)(action, by=by, target=target, reason=reason)


def find_done(messages: Sequence[Message]) -> set[UUID]:
    """Return the event ids of messages that would change nothing, by MESSAGING_FIND_DONE; without it none."""
    if not settings.MESSAGING_FIND_DONE:
        return set()
    done: set[UUID] = import_string(settings.MESSAGING_FIND_DONE)(messages)
    return done
