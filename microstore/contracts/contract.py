"""Contract: the name of a Celery task, the payload it takes and the service that handles it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, ParamSpec, TypeVar, cast
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from uuid_utils.compat import uuid7

if TYPE_CHECKING:
    from celery.canvas import Signature

COMMANDS = "microstore.tasks"  # the exchange of commands
# PostgreSQL stores times that Python cannot read back: one such row would fail every query that meets it.
FIRST_YEAR, LAST_YEAR = 1900, 9000
TRACEPARENT = r"^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"


def _is_readable(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"not between the years {FIRST_YEAR} and {LAST_YEAR}")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_is_readable)]
Cents = Annotated[int, Field(strict=True, ge=0)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Id = Annotated[int, Field(strict=True, ge=1)]
Quantity = Annotated[int, Field(strict=True, ge=1)]
Traceparent = Annotated[str, Field(pattern=TRACEPARENT)]


class InvalidMessage(Exception):
    """The message does not fit its contract; nothing was stored or sent."""


class Message(BaseModel):
    """Fields that every message carries beside its own.

    `key_field` names the field by which two messages of one contract are about the same thing. A message that
    is dead-lettered again under another `event_id`, but with the same key, is the same dead letter.
    """

    # A sender's misspelt field fails where the message is built; `Contract.parse` ignores unknown ones. Each
    # process uses a few of the classes, so their validators are built at first use.
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", frozen=True, defer_build=True)
    key_field: ClassVar[str] = "event_id"

    event_id: UUID = Field(default_factory=uuid7)
    occurred_at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    trace: Traceparent


Fields = ParamSpec("Fields")
M = TypeVar("M", bound=Message)


@dataclass(frozen=True, eq=False)
class Contract(Generic[Fields, M]):
    """One kind of message. Calling it builds a message, type-checked and validated.

    `to` is the service or listener whose queue receives it as a command; `reply` is the contract of the
    callback that Celery chains to it; `fact` is the routing key under which others may subscribe to it.
    """

    name: str
    build: Callable[Fields, M]
    to: str | None = None
    reply: AnyContract | None = None
    fact: str | None = None

    @property
    def task_name(self) -> str:
        """The Celery task's name: `queue.contract` of a command, the contract's name of a mere fact."""
        if not self.to or self.name.startswith(f"{self.to}."):
            return self.name
        return f"{self.to}.{self.name}"

    @property
    def payload(self) -> type[M]:
        """The class of the message, a pydantic model."""
        return cast("type[M]", self.build)

    def __call__(self, *args: Fields.args, **kwargs: Fields.kwargs) -> M:
        """Build a message; raises InvalidMessage where a field is missing, unknown or of the wrong kind."""
        try:
            return self.build(*args, **kwargs)
        except ValidationError as error:
            raise InvalidMessage(f"{self.name}: {describe_errors(error)}") from error

    def for_listener(self, listener: str) -> Contract[Fields, M]:
        """Return the command by which this fact is sent to one listener alone: its retries and replays.

        It bears the listener's name, since another listener to the same fact has a command of its own.
        """
        return replace(self, name=f"{listener}.heard_{self.name}", to=listener, reply=None, fact=None)

    def signature(self, events: Sequence[M | dict[str, Any]], *, app: Any = None) -> Signature:
        """Return the Celery signature of the command, with its reply chained: the relay publishes by it, too.

        It reaches its queue from any Celery app, whatever routes that has.
        Raises ValueError where the contract is a mere fact.
        """
        # Imported here alone: all else of a contract is used where there is no Celery.
        from celery import signature  # noqa: PLC0415
        from celery.utils import uuid  # noqa: PLC0415

        if not self.to:
            raise ValueError(f"{self.name} is a fact and no command.")
        options: dict[str, Any] = {
            "exchange": COMMANDS,
            "exchange_type": "topic",
            "routing_key": f"task.{self.to}",
        }
        if self.reply:
            options["chain"] = [signature(self.reply.task_name, app=app, options={"task_id": uuid()})]
        payloads = [event if isinstance(event, dict) else to_wire(event) for event in events]
        return signature(self.task_name, args=(payloads,), app=app, options=options)

    def parse(self, data: object) -> M:
        """Return the message that was received; raises InvalidMessage.

        Unknown fields are ignored, so that a sender may be newer than its receiver.
        """
        try:
            return self.payload.model_validate(data, extra="ignore")
        except ValidationError as error:
            raise InvalidMessage(f"{self.name}: {describe_errors(error)}") from error


AnyContract = Contract[..., Any]


def describe_errors(error: ValidationError) -> str:
    """Return one line that names each faulty field; it becomes the cause of a dead letter."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'message'}: {fault['msg']}" for fault in faults)


def to_wire(message: Message) -> dict[str, Any]:
    """Return the message as plain JSON values, as the outbox and the task's arguments hold it."""
    return message.model_dump(mode="json")


def to_json(message: Message) -> str:
    """Return the message as JSON text."""
    return message.model_dump_json()
