"""Rules for incoming Celery messages. A message that breaks one is dead-lettered, and never reaches Celery.

Celery trusts its messages: `expires` loses one, a time limit that is no number stops a child, a callback to a
task that nobody runs is a failure for ever. Harmless parts that any Celery client may add are ignored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from kombu.message import Message
from kombu.serialization import loads
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from microstore.messaging.project import registry
from microstore.messaging.topology import TASKS

COMMANDS = {contract.task_name for contract in registry().contracts.values() if contract.to}
FACTS = {contract.name for contract in registry().contracts.values() if contract.fact}
LONGEST_DELAY = timedelta(days=1)

ENCODING = "utf-8"  # of JSON as kombu sends it; unknown encodings would be decoded as if they were this
REFUSED = "refused"  # why a worker has sent on a message that nobody is to handle
REASON_CHARACTERS = 500
# After it has read the headers, whatever they have.
SET_BY_CELERY = frozenset(
    ["args", "kwargs", "correlation_id", "delivery_info", "hostname", "is_eager", "properties", "reply_to"]
)
HERE = "microstore/messaging/receiving/message_schema.py"


def _is_command(name: str) -> str:
    if name not in COMMANDS:
        raise ValueError("no such task")
    return name


def _is_task(name: str) -> str:
    return name if name in FACTS else _is_command(name)


def _as_text(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _is_near(eta: str) -> str:
    moment = datetime.fromisoformat(eta)  # as the worker reads it; pydantic reads other forms, and numbers
    if moment.tzinfo is None:
        raise ValueError("without a time zone")
    if moment > datetime.now(UTC) + LONGEST_DELAY:
        raise ValueError("more than a day away")
    return eta


def _is_nothing(value: object) -> object:
    if value is not None:
        raise ValueError("not accepted")
    return value


Command = Annotated[str, Field(strict=True), AfterValidator(_is_command)]
Task = Annotated[str, Field(strict=True), AfterValidator(_is_task)]  # a worker rejects those it does not run
Name = Annotated[str, Field(strict=True, min_length=1, max_length=255)]
# A task that sends itself again names its own limits, by the settings that it was deployed with.
Seconds = Annotated[int, Field(strict=True, ge=1, le=3600)]
Delay = Annotated[float, Field(strict=True, ge=0, le=LONGEST_DELAY.total_seconds(), allow_inf_nan=False)]
Eta = Annotated[str, Field(strict=True, json_schema_extra={"format": "date-time"}), AfterValidator(_is_near)]
EtaInBody = Annotated[Eta, BeforeValidator(_as_text)]  # of a time kombu has a type there
Refused = Annotated[None, BeforeValidator(_is_nothing)]
# Celery keeps a callback that was given alone as it is.
Steps = Annotated[list["Step"], BeforeValidator(lambda value: [value] if isinstance(value, dict) else value)]


class Part(BaseModel):
    """Part of a message, whose rules are built at first use: few kinds of processes read messages."""

    model_config = ConfigDict(defer_build=True)


class OfRequest(Part):
    """A part of a message whose fields Celery makes attributes of a task's request; unknown ones are ignored.

    It reads the chain, for example, from either part. So none may have a name of the request's own but those
    checked here, and those that Celery itself sets afterwards.
    """

    set_by_celery: ClassVar[frozenset[str]] = frozenset()

    @model_validator(mode="before")
    @classmethod
    def keeps_the_request(cls, fields: Any) -> Any:
        """Refuse what would take the place of an attribute or a method."""
        # Imported here: other processes than workers read this module, and have no need of it.
        from celery.app.task import Context  # noqa: PLC0415

        if isinstance(fields, Mapping):
            own = vars(Context).keys() & fields.keys()
            if replaced := own - cls.model_fields.keys() - cls.set_by_celery:
                raise ValueError(f"{', '.join(sorted(replaced))}: not accepted here")
        return fields


class Headers(OfRequest):
    """Headers of Celery's protocol 2; others are ignored."""

    set_by_celery = SET_BY_CELERY

    task: Task
    id: Name
    eta: Eta | None = None
    retries: Annotated[int, Field(strict=True, ge=0)] = 0
    expires: Refused = None  # it would lose the message
    timelimit: Annotated[list[Seconds | None], Field(min_length=2, max_length=2)] | None = None
    lang: Name = "py"
    root_id: Name | None = None
    parent_id: Name | None = None
    group: Name | None = None
    shadow: Name | None = None
    ignore_result: Annotated[bool, Field(strict=True)] | None = None
    stamped_headers: list[Name] | None = None
    stamps: dict[str, Any] | None = None
    origin: Any = None
    replaced_task_nesting: Any = None
    group_index: Annotated[int, Field(strict=True, ge=0)] | None = None
    headers: dict[str, Any] | None = None  # a client's own
    compression: Refused = None  # a small message would be a large one


class Options(Part):
    """Options of a callback. Those of KEPT_OPTIONS have an effect; others are ignored (see `steps.py`).

    It goes where its task's name says, and as this worker sends: what says otherwise is refused.
    """

    task_id: Name | None = None
    root_id: Name | None = None
    parent_id: Name | None = None
    group_id: Name | None = None
    group_index: Annotated[int, Field(strict=True, ge=0)] | None = None
    shadow: Name | None = None
    stamped_headers: list[Name] | None = None
    countdown: Delay | None = None
    eta: EtaInBody | None = None
    link: "Steps | None" = None
    link_error: "Steps | None" = None
    chain: "list[Step] | None" = None
    # Accepted if they say what the topology says.
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    expires: Refused = None
    chord: Refused = None


KEPT_OPTIONS = (
    *("task_id", "root_id", "parent_id", "group_id", "group_index", "shadow"),
    *("countdown", "eta", "link", "link_error", "chain"),
)


class Step(Part):
    """A callback: a command of this registry, run with the replies, or with its own events if immutable."""

    task: Command
    args: Annotated[list[list[Any]], Field(max_length=1)] | None
    kwargs: Annotated[dict[str, Any], Field(max_length=0)] | None
    options: Options
    immutable: Annotated[bool, Field(strict=True)] = False
    subtask_type: Refused = None  # a group, a chord or the like, of which there is no task

    @field_validator("options")
    @classmethod
    def go_where_the_task_is(cls, options: Options, info: ValidationInfo) -> Options:
        """Refuse another way than that of the task's name."""
        queue = str(info.data.get("task", "")).partition(".")[0]
        ways = {"queue": {queue}, "exchange": {TASKS.name, ""}, "routing_key": {f"task.{queue}", queue}}
        for option, allowed in ways.items():
            if getattr(options, option) not in allowed | {None}:
                raise ValueError(f"{option}: the task's name says where it goes")
        return options

    @model_validator(mode="after")
    def takes_one_argument(self) -> "Step":
        if bool(self.args) != self.immutable:
            raise ValueError("takes the replies, or one list of events and is immutable")
        return self


class Embed(OfRequest):
    """Tasks that Celery runs with the result."""

    chain: list[Step] | None = None
    callbacks: list[Step] | None = None
    errbacks: list[Step] | None = None
    chord: Refused = None  # there is no result backend, so it would never be called


class RetryState(Part):
    """Keyword arguments of the task: attempts and waiting of its message so far."""

    model_config = ConfigDict(extra="forbid", strict=True)

    attempts: Annotated[int, Field(ge=0)] = 0
    waited_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    failing_since: Annotated[float, Field(allow_inf_nan=False)] | None = None


Body = tuple[tuple[list[Any]], RetryState, Embed]
BODY: TypeAdapter[Body] = TypeAdapter(Body, config=ConfigDict(defer_build=True))
PARTS = ("args", "kwargs", "embed")  # of a body, by their places


def find_fault(message: Message) -> str | None:
    """Return the rules that a message breaks, or None. May raise on a body that does not decode."""
    return _find_fault(message.headers, message.content_encoding, lambda: message.payload)


def find_fault_in(body: bytes, properties: Mapping[str, Any]) -> str | None:
    """Return the rules that a message breaks, from its bytes and AMQP properties."""
    kind, encoding = properties.get("content_type"), properties.get("content_encoding")
    headers = properties.get("application_headers")
    return _find_fault(headers, encoding, lambda: loads(body, kind, encoding, accept={"application/json"}))


def _find_fault(headers: object, encoding: object, read_body: Callable[[], object]) -> str | None:
    if not isinstance(headers, Mapping):
        return f"headers: no table ({HERE})"
    if REFUSED in headers:
        return f"headers.{str(headers[REFUSED])[:REASON_CHARACTERS]} ({HERE})"
    if encoding != ENCODING:
        return f"content_encoding: not {ENCODING} ({HERE})"
    try:
        Headers.model_validate(headers)
    except ValidationError as error:
        return f"{_name_rules('headers', error)} ({HERE})"
    try:
        BODY.validate_python(read_body())
    except ValidationError as error:
        return f"{_name_rules('', error)} ({HERE})"
    return None


def _name_rules(part: str, error: ValidationError) -> str:
    rules = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        place = fault["loc"]
        if not part and place and isinstance(place[0], int) and place[0] < len(PARTS):
            place = (PARTS[place[0]], *place[1:])
        rules.append(f"{'.'.join(map(str, (part, *place) if part else place)) or 'body'}: {fault['msg']}")
    return "; ".join(rules)[:REASON_CHARACTERS]
