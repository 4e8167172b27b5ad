"""Requests that endpoints get, for the catalogue of messages."""

import json
from functools import cache
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, create_model

from listings.webhooks.events import IDS, PING, make_body
from listings.webhooks.models import webhook_id
from microstore.contracts.contract import AnyContract
from microstore.contracts.feed import Webhook
from microstore.contracts.webhooks import SUBSCRIBED_FACTS

ENDPOINT = UUID("01980000-0000-7000-8000-000000000001")
EVENT = UUID("01980000-0000-7000-8000-000000000002")
TIME = "2026-11-29T11:42:03+00:00"
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="When it happened.")]


class WebhookHeaders(BaseModel):
    """Headers of Standard Webhooks; names of HTTP headers have no case."""

    id: Annotated[
        str, Field(alias="webhook-id", description="The same in each repetition: skip those that you have.")
    ]
    timestamp: Annotated[
        str, Field(alias="webhook-timestamp", pattern=r"^\d+$", description="Unix time of this attempt.")
    ]
    signature: Annotated[
        str,
        Field(
            alias="webhook-signature",
            pattern=r"^v1,[A-Za-z0-9+/=]+( v1,[A-Za-z0-9+/=]+)?$",
            description="Of id, timestamp and body; two while a secret is exchanged.",
        ),
    ]


EXAMPLE_HEADERS = {
    "webhook-id": webhook_id(ENDPOINT, EVENT),
    "webhook-timestamp": "1764416523",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
}


def describe_webhooks() -> list[Webhook]:
    """Return the events of webhooks, in the order of their facts, and the ping."""
    events = [_describe(str(fact.fact), _summary(fact), _ids_of(fact)) for fact in SUBSCRIBED_FACTS]
    return [*events, _describe(PING, "Somebody tries the endpoint.", ("endpoint_id",))]


def _ids_of(fact: AnyContract) -> tuple[str, ...]:
    return tuple(name for name in IDS if name in fact.payload.model_fields)


def _summary(fact: AnyContract) -> str:
    first_line = (fact.payload.__doc__ or "").partition("\n")[0]
    return first_line.removesuffix("; published as a fact only.").removesuffix(".") + "."


def _describe(event_type: str, summary: str, ids: tuple[str, ...]) -> Webhook:
    name = "".join(part.capitalize() for part in event_type.replace("_", ".").split("."))
    fields: dict[str, Any] = {
        "type": (Literal[event_type], ...),
        "timestamp": (Time, ...),
        "data": (Annotated[_data_of(ids), Field(description=", ".join(ids))], ...),
    }
    model = create_model(f"Webhook{name}", __doc__=summary, **fields)
    example = make_body(event_type, TIME, dict.fromkeys(ids, str(EVENT)))
    return Webhook(event_type, WebhookHeaders, model, EXAMPLE_HEADERS, json.loads(example))


@cache
def _data_of(ids: tuple[str, ...]) -> type[BaseModel]:
    fields: dict[str, Any] = dict.fromkeys(ids, (str, ...))
    return create_model(
        f"WebhookIdsOf{''.join(part.removesuffix('_id').capitalize() for part in ids)}", **fields
    )
