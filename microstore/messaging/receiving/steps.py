"""Tasks that a message names for Celery to run with its result: those of a chain, and callbacks."""

from datetime import UTC, datetime, timedelta
from typing import Any

from microstore.contracts.contract import AnyContract
from microstore.messaging.receiving.message_schema import KEPT_OPTIONS


def is_linked(contract: AnyContract, request: Any) -> bool:
    """Return whether Celery itself will call the contract's task with the result."""
    steps = [*(request.chain or [])[-1:], *(request.callbacks or [])]  # it takes a chain from its end
    # An immutable step runs with events of its own, and not with the replies.
    return any(step["task"] == contract.task_name and not step.get("immutable") for step in steps)


def drop_steps(request: Any, *, is_handled: bool) -> None:
    """Drop the steps for which a message without replies has nothing; an immutable one has events of its own.

    With `is_handled` False none stays: what is sent again takes its steps along, and after a failure Celery
    runs none.
    """
    chain, callbacks = list(request.chain or []), request.callbacks or []
    while chain and not (is_handled and chain[-1].get("immutable")):
        chain.pop()
    request.chain = chain or None
    request.callbacks = [step for step in callbacks if is_handled and step.get("immutable")] or None


def clean_next_steps(request: Any) -> None:
    """Leave the steps that Celery publishes next only options that have an effect.

    Those of later steps are left as they are: they arrive with the next ones.
    """
    request.chain = request.chain and [*request.chain[:-1], _clean(request.chain[-1])]
    request.callbacks = request.callbacks and [_clean(step) for step in request.callbacks]


def _clean(step: dict[str, Any]) -> dict[str, Any]:
    options = step["options"]
    kept = {name: options[name] for name in KEPT_OPTIONS if name in options}
    # A delay goes along as a header: who receives the step delays it. This service may delay its own alone.
    countdown, eta = kept.pop("countdown", None), kept.pop("eta", None)
    if countdown:
        eta = datetime.now(UTC) + timedelta(seconds=countdown)
    headers: dict[str, Any] = {"eta": str(eta)} if eta else {}
    stamped = [name for name in options.get("stamped_headers") or [] if name in options]
    if stamped:
        # Not as options: a stamp may be named as an argument of Celery's.
        stamps = {name: options[name] for name in stamped}
        headers |= {"stamped_headers": stamped, "stamps": stamps}
    return step | {"options": kept | ({"headers": headers} if headers else {})}
