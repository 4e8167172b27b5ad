"""A WebSocket as the catalogue of messages describes it."""

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
