"""Page of all messages beside the API's documentation, from the catalogue and local files alone."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from microstore.messaging.asyncapi import Json, describe_project, to_yaml


class Field(NamedTuple):
    """A row of a message's table of fields."""

    name: str
    type: str
    required: bool
    description: str


@require_safe
def show_messages(request: HttpRequest) -> HttpResponse:
    """Show channels, messages, their fields and examples."""
    document, channels = _read()
    return render(request, "api/messages.html", {"info": document["info"], "channels": channels})


@require_safe
def download_messages(request: HttpRequest) -> HttpResponse:
    """Return the catalogue as an AsyncAPI document."""
    return HttpResponse(_as_yaml(), content_type="application/yaml")


@cache
def _as_yaml() -> str:
    return to_yaml(_read()[0])


@cache
def _read() -> tuple[Json, list[Json]]:
    # Once a process: neither contracts nor samples change while it runs.
    document = describe_project()
    return document, [_read_channel(document, name) for name in document["channels"]]


def _read_channel(document: Json, name: str) -> Json:
    channel = document["channels"][name]
    answers = {
        each["$ref"].rpartition("/")[2]: operation["reply"]["messages"][0]["$ref"].rpartition("/")[2]
        for operation in document["operations"].values()
        if "reply" in operation
        for each in operation["messages"]
    }
    messages = [
        {**document["components"]["messages"][key], "id": key, "reply": answers.get(key)}
        for key in channel["messages"]
    ]
    for message in messages:
        message["fields"] = list(_fields_of(document, _event_of(message["payload"])))
        message["shown"] = [json.dumps(each, indent=2) for each in message.get("examples", ())]
    query = channel["bindings"].get("ws", {}).get("query", {}).get("properties", {})
    exchange = channel["bindings"].get("amqp", {}).get("exchange", {}).get("name")
    address = channel["address"] or name
    shown = {"name": name, "address": address, "query": query, "exchange": exchange, "messages": messages}
    return {**channel, **shown}


def _event_of(payload: Json) -> str:
    # Of a Celery message the schema of one event: `[[events], kwargs, embed]`.
    reference = payload if "$ref" in payload else payload["items"][0]["items"][0]["items"]
    return str(reference["$ref"])


def _fields_of(document: Json, reference: str) -> Iterator[Field]:
    schema = document["components"]["schemas"][reference.rpartition("/")[2]]
    for name, field in schema["properties"].items():
        required = name in schema.get("required", ())
        yield Field(name, _type_of(field), required, field.get("description", ""))


def _type_of(field: Json) -> str:
    if "$ref" in field:
        return str(field["$ref"]).rpartition("/")[2]
    if "anyOf" in field:
        return " or ".join(map(_type_of, field["anyOf"]))
    if values := field.get("enum", [field["const"]] if "const" in field else None):
        return " or ".join(json.dumps(value) for value in values)
    if field.get("type") == "array":
        return f"list of {_type_of(field.get('items', {}))}"
    form: Any = field.get("format") or field.get("pattern")
    return f"{field.get('type', 'anything')} ({form})" if form else str(field.get("type", "anything"))
