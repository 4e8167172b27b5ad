"""WebSockets and webhooks as the catalogue of messages describes them."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel


@dataclass(frozen=True)
class Feed:
    """Frames that clients receive at an address. `query` describes its parameters, by name."""

    name: str
    address: str
    description: str
    frames: tuple[type[BaseModel], ...]
    query: Mapping[str, str]


@dataclass(frozen=True)
class Webhook:
    """An event that is posted to the endpoints of others, with an example of each of its two parts."""

    event_type: str
    headers: type[BaseModel]
    body: type[BaseModel]
    example_headers: Mapping[str, str]
    example_body: Mapping[str, object]
