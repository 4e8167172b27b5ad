"""Catalogue of all messages as an AsyncAPI 3 document, made from contracts, message schema and samples."""

import json
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml
from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from microstore.contracts.contract import COMMANDS, AnyContract
from microstore.contracts.feed import Feed, Webhook
from microstore.contracts.registration import Registry
from microstore.contracts.samples import Frame, Sample, read_frames, read_samples, releases
from microstore.messaging.project import registry
from microstore.messaging.receiving.message_schema import Embed, Headers, RetryState
from microstore.messaging.topology import EVENTS

Json = dict[str, Any]
VERSION = "3.0.0"
WEBHOOKS = "webhooks"
ENDPOINTS = "The addresses that sellers and staff have registered."
DESCRIPTION = """\
All messages of the services: commands and facts through RabbitMQ, frames through WebSockets, webhooks.

A command or fact is a message of Celery's protocol 2. Its body is `[[events], kwargs, embed]` in JSON: a \
list of events of one kind, no keyword arguments (a retry has some), and the callbacks that Celery runs with \
the replies. Any Celery client may send commands; every queue bound to a fact's routing key gets a copy.

Messages arrive at least once: skip an `event_id` that you have. A payload only grows, by fields with \
defaults, so ignore what you do not know. The examples are messages as they were on the wire.
"""


def make_document(
    title: str,
    version: str,
    contracts: Registry,
    *,
    feeds: Sequence[Feed] = (),
    webhooks: Sequence[Webhook] = (),
    samples: Iterable[Sample] = (),
    frames: Iterable[Frame] = (),
) -> Json:
    """Return the document; `samples` and `frames` become the examples of their messages."""
    public = [each for each in contracts.contracts.values() if each.to not in contracts.listeners]
    catalogue = _Catalogue({sample.task: sample for sample in samples}, list(frames))
    for contract in public:
        if contract.to:
            catalogue.add_command(contract)
        if contract.fact:
            catalogue.add_fact(contract)
    for feed in feeds:
        catalogue.add_feed(feed)
    for webhook in webhooks:
        catalogue.add_webhook(webhook)
    servers: Json = {
        "broker": {"host": "rabbitmq:5672", "protocol": "amqp", "description": "RabbitMQ 3.10 to 4.0."}
    }
    if feeds:
        servers["websockets"] = {"host": "microstore.example", "protocol": "wss"}
    if webhooks:
        servers["endpoints"] = {"host": "hooks.example", "protocol": "https", "description": ENDPOINTS}
    return {
        "asyncapi": VERSION,
        "info": {"title": title, "version": version, "description": DESCRIPTION},
        "defaultContentType": "application/json",
        "servers": servers,
        "channels": catalogue.channels,
        "operations": catalogue.operations,
        "components": {"messages": catalogue.messages, "schemas": _schemas(public, feeds, webhooks)},
    }


def describe_project() -> Json:
    """Return the document of this project: contracts, its apps' feeds and webhooks, the latest samples."""
    feeds = [feed for feeds in _find_in_apps("feeds") for feed in feeds]
    webhooks = [webhook for describe in _find_in_apps("webhooks") for webhook in describe()]
    module = import_module(settings.MESSAGING_CONTRACTS).__file__
    assert module
    release = next(reversed(releases(Path(module).with_name("releases"))), None)
    return make_document(
        f"Messages of {' and '.join(registry().services)}",
        release.name if release else "0",
        registry(),
        feeds=feeds,
        webhooks=webhooks,
        samples=read_samples(release) if release else (),
        frames=read_frames(release) if release else (),
    )


def schemas_of_clients() -> dict[str, Json]:
    """Return the schema of each frame and webhook that this service sends, by address and type."""
    schemas: dict[str, Json] = {}
    for feed in (feed for feeds in _find_in_apps("feeds") for feed in feeds):
        for model in feed.frames:
            schema = model.model_json_schema(mode="serialization")
            if "events" in schema["properties"]:
                # Each event has a schema of its own here, and clients skip kinds that they do not know.
                schema["properties"]["events"] = {"type": "array"}
                schema.pop("$defs")
            schemas |= {f"{feed.address} {kind}": schema for kind in _kinds(schema)}
    for webhook in (webhook for describe in _find_in_apps("webhooks") for webhook in describe()):
        schemas[f"webhook {webhook.event_type}"] = webhook.body.model_json_schema(mode="serialization")
        schemas["webhook headers"] = webhook.headers.model_json_schema(by_alias=True, mode="serialization")
    return schemas


def to_yaml(document: Json) -> str:
    """Return the document as text, its parts in their order."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def _find_in_apps(attribute: str) -> list[Any]:
    paths = [getattr(config, attribute, None) for config in apps.get_app_configs()]
    return [import_string(path) for path in paths if path]


class _Catalogue:
    def __init__(self, samples: dict[str, Sample], frames: list[Frame]) -> None:
        self.samples, self.frames = samples, frames
        self.channels: Json = {}
        self.operations: Json = {}
        self.messages: Json = {}

    def add_command(self, contract: AnyContract) -> None:
        assert contract.to
        description = f"Commands to `{contract.to}`, whose workers consume the queue of that name."
        self._add_exchange(contract.to, COMMANDS, f"task.{contract.to}", description)
        self._add_message(contract.to, contract, contract.task_name)
        operation = self._operate("receive", contract.to, contract.task_name)
        if contract.reply:
            assert contract.reply.to
            reply = _reference("channels", contract.reply.to)
            answer = {"$ref": f"{reply['$ref']}/messages/{contract.reply.task_name}"}
            operation["reply"] = {"channel": reply, "messages": [answer]}

    def add_fact(self, contract: AnyContract) -> None:
        assert contract.fact
        description = "A fact: every queue that is bound to its routing key gets a copy."
        self._add_exchange(contract.fact, EVENTS.name, contract.fact, description)
        self._add_message(contract.fact, contract, contract.name)
        self._operate("send", contract.fact, contract.name)

    def add_feed(self, feed: Feed) -> None:
        query = {name: {"type": "string", "description": text} for name, text in feed.query.items()}
        channel = f"feed-{feed.name}"
        self.channels[channel] = {
            "address": feed.address,
            "description": feed.description,
            "servers": [_reference("servers", "websockets")],
            "messages": {},
            "bindings": {"ws": {"query": {"type": "object", "properties": query}, "bindingVersion": "0.1.0"}},
        }
        for model in feed.frames:
            self._add_frame(channel, feed, model)

    def _add_frame(self, channel: str, feed: Feed, model: type[BaseModel]) -> None:
        name = f"{feed.name}-{model.__name__}"
        examples = [
            {"payload": event}
            for kind in _kinds(model.model_json_schema())
            if (event := self._find_event(feed.address, kind))
        ]
        self.messages[name] = {
            "name": model.__name__,
            "summary": _first_line(model),
            "payload": _reference("schemas", model.__name__),
            **({"examples": examples} if examples else {}),
        }
        self.channels[channel]["messages"][name] = _reference("messages", name)
        self._operate("send", channel, name)

    def add_webhook(self, webhook: Webhook) -> None:
        self.channels.setdefault(
            WEBHOOKS,
            {
                "address": None,
                "description": "Events that sellers and staff have sent to their endpoints, by POST.",
                "servers": [_reference("servers", "endpoints")],
                "messages": {},
                "bindings": {},
            },
        )
        name = f"{WEBHOOKS}-{webhook.event_type}"
        self.messages[name] = {
            "name": webhook.event_type,
            "summary": _first_line(webhook.body),
            "headers": _reference("schemas", webhook.headers.__name__),
            "payload": _reference("schemas", webhook.body.__name__),
            "examples": [{"headers": dict(webhook.example_headers), "payload": dict(webhook.example_body)}],
        }
        self.channels[WEBHOOKS]["messages"][name] = _reference("messages", name)
        operation = self._operate("send", WEBHOOKS, name)
        operation["bindings"] = {"http": {"method": "POST", "bindingVersion": "0.3.0"}}

    def _find_event(self, address: str, kind: str) -> Json | None:
        contents = [json.loads(frame.text) for frame in self.frames if frame.address == address]
        inside = [event for content in contents for event in content.get("events", [])]
        return next((event for event in [*contents, *inside] if event["type"] == kind), None)

    def _add_exchange(self, name: str, exchange: str, routing_key: str, description: str) -> None:
        bound = {"name": exchange, "type": "topic", "durable": True, "autoDelete": False, "vhost": "/"}
        binding = {"amqp": {"is": "routingKey", "exchange": bound, "bindingVersion": "0.3.0"}}
        self.channels.setdefault(
            name,
            {
                "address": routing_key,
                "description": description,
                "servers": [_reference("servers", "broker")],
                "messages": {},
                "bindings": binding,
            },
        )

    def _add_message(self, channel: str, contract: AnyContract, task: str) -> None:
        message: Json = {
            "name": task,
            "summary": _first_line(contract.payload),
            "headers": _reference("schemas", Headers.__name__),
            "correlationId": {"location": "$message.header#/id"},
            "payload": _body_of(contract),
        }
        if sample := self.samples.get(task):
            headers = sample.properties["application_headers"]
            message["examples"] = [{"headers": headers, "payload": json.loads(sample.body)}]
        self.messages[task] = message
        self.channels[channel]["messages"][task] = _reference("messages", task)

    def _operate(self, action: str, channel: str, message: str) -> Json:
        where = _reference("channels", channel)
        messages = [{"$ref": f"{where['$ref']}/messages/{message}"}]
        operation: Json = {"action": action, "channel": where, "messages": messages}
        self.operations[f"{action}-{message}"] = operation
        return operation


def _body_of(contract: AnyContract) -> Json:
    events: Json = {"type": "array", "items": _reference("schemas", contract.payload.__name__)}
    args: Json = {"type": "array", "items": [events], "minItems": 1, "maxItems": 1}
    parts = [args, _reference("schemas", RetryState.__name__), _reference("schemas", Embed.__name__)]
    return {"type": "array", "items": parts, "minItems": len(parts), "maxItems": len(parts)}


def _schemas(contracts: Sequence[AnyContract], feeds: Sequence[Feed], webhooks: Sequence[Webhook]) -> Json:
    payloads: set[type[BaseModel]] = {contract.payload for contract in contracts}
    envelope: set[type[BaseModel]] = {Headers, RetryState, Embed}
    frames = {model for feed in feeds for model in feed.frames}
    posted = {model for webhook in webhooks for model in (webhook.headers, webhook.body)}
    sent = frames | posted  # which have all of their fields
    modes: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "serialization" if model in sent else "validation") for model in payloads | envelope | sent
    ]
    _, found = models_json_schema(
        sorted(modes, key=lambda each: each[0].__name__),
        ref_template="#/components/schemas/{model}",
    )
    schemas: Json = found["$defs"]
    for model in payloads:
        # A message that is built here may have no other fields; one that is received may, of a newer release.
        schemas[model.__name__].pop("additionalProperties", None)
    return schemas


def _reference(kind: str, name: str) -> Json:
    within = kind if kind in ("channels", "servers") else f"components/{kind}"
    return {"$ref": f"#/{within}/{name}"}


def _kinds(schema: Json) -> list[str]:
    types = schema["properties"]["type"]
    return list(types.get("enum", [types.get("const")]))


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).strip().partition("\n")[0]
