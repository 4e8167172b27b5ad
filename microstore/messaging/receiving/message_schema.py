"""The form of a Celery message as these services send it. Whatever else arrives is not handed to Celery.

Celery believes its messages: an `eta` far away holds one in memory for years, an `expires` loses it, a
time limit that is no number stops a child. None of these is ever sent here, so none is taken.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from kombu.message import Message
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from microstore.messaging.project import registry

COMMANDS = {contract.task_name for contract in registry().contracts.values() if contract.to}
FACTS = {contract.name for contract in registry().contracts.values() if contract.fact}
CLOCKS_DIFFER_BY = timedelta(minutes=2)  # a message that was delayed arrives when its eta has come

ENCODING = "utf-8"  # of JSON as kombu sends it; one that nobody knows it would decode as if it were this
REASON_CHARACTERS = 500


def _is_command(name: str) -> str:
    if name not in COMMANDS:
        raise ValueError("no such task")
    return name


def _is_task(name: str) -> str:
    return name if name in FACTS else _is_command(name)


def _has_come(eta: datetime) -> datetime:
    if eta > datetime.now(UTC) + CLOCKS_DIFFER_BY:
        raise ValueError("too far away")
    return eta


Command = Annotated[str, Field(strict=True), AfterValidator(_is_command)]
Task = Annotated[str, Field(strict=True), AfterValidator(_is_task)]  # a worker rejects what it does not hear
Name = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
# A task that sends itself again names its own limits, by the settings that it was deployed with.
Seconds = Annotated[int, Field(strict=True, ge=1, le=3600)]
Nothing = Annotated[list[Any], Field(max_length=0)] | None


class Headers(BaseModel):
    """Those of Celery's protocol 2."""

    task: Task
    id: Name
    eta: Annotated[AwareDatetime, AfterValidator(_has_come)] | None = None
    retries: Annotated[int, Field(strict=True, ge=0)] = 0
    expires: None = None
    timelimit: Annotated[list[Seconds | None], Field(min_length=2, max_length=2)] | None = None
    lang: Name = "py"
    root_id: Name | None = None
    parent_id: Name | None = None
    group: None = None
    shadow: None = None
    ignore_result: Annotated[bool, Field(strict=True)] | None = None
    stamped_headers: Nothing = None
    compression: None = None


class Options(BaseModel):
    """Of a callback: it goes where its task's name says."""

    model_config = ConfigDict(extra="forbid")

    task_id: Name


class Step(BaseModel):
    """The callback that follows."""

    task: Command
    args: Nothing
    kwargs: Annotated[dict[str, Any], Field(max_length=0)] | None
    options: Options


class Embed(BaseModel):
    """Tasks that Celery runs with the result."""

    chain: Annotated[list[Step], Field(max_length=1)] | None = None
    callbacks: Nothing = None
    errbacks: Nothing = None
    chord: None = None


class RetryState(BaseModel):
    """The task's keyword arguments: see `consumer.RetryState`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attempts: Annotated[int, Field(ge=0)] = 0
    failing_since: float | None = None


Body = tuple[tuple[list[Any]], RetryState, Embed]
BODY: TypeAdapter[Body] = TypeAdapter(Body)


def find_fault(message: Message) -> str | None:
    """Return what is wrong with a message, or None. May raise on a body that does not decode."""
    if not isinstance(message.headers, Mapping):
        return "its headers are no table"
    if message.content_encoding != ENCODING:
        return f"its content encoding is not {ENCODING}"
    try:
        Headers.model_validate(message.headers)
        BODY.validate_python(message.payload)
    except ValidationError as error:
        return str(error)[:REASON_CHARACTERS]
    return None
