"""The catalogue has every message with its reply and an example, and is a page of local files."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.test import Client
from jsonschema import Draft7Validator

from microstore.contracts.registry import REGISTRY
from microstore.contracts.samples import read_samples, releases
from microstore.messaging.asyncapi import describe_project, make_document

RELEASES = Path(__file__).parents[2] / "microstore/contracts/releases"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return describe_project()


def test_every_command_and_fact_is_in_it_with_an_example_from_the_wire(document: dict[str, Any]) -> None:
    samples = {sample.task: sample for sample in read_samples(releases(RELEASES)[-1])}
    messages = document["components"]["messages"]
    assert samples.keys() <= messages.keys()
    for contract in REGISTRY.contracts.values():
        if contract.to and contract.to not in REGISTRY.listeners:
            [example] = messages[contract.task_name]["examples"]
            assert example["payload"] == json.loads(samples[contract.task_name].body)
            assert document["operations"][f"receive-{contract.task_name}"]["action"] == "receive"
        if contract.fact:
            assert contract.name in document["channels"][contract.fact]["messages"]
            assert document["operations"][f"send-{contract.name}"]["action"] == "send"


def test_every_example_fits_its_schema(document: dict[str, Any]) -> None:
    for name, message in document["components"]["messages"].items():
        for example in message.get("examples", ()):
            for part, value in example.items():
                # References are resolved in the whole document.
                schema = document | {"$ref": f"#/components/messages/{name}/{part}"}
                Draft7Validator(schema).validate(value)


def test_a_command_names_its_reply_and_a_fact_has_none(document: dict[str, Any]) -> None:
    replies = {
        name.partition("-")[2]: operation["reply"]["messages"][0]["$ref"].rpartition("/")[2]
        for name, operation in document["operations"].items()
        if "reply" in operation
    }
    assert replies == {
        each.task_name: each.reply.task_name for each in REGISTRY.contracts.values() if each.reply
    }


def test_a_receiver_is_free_to_ignore_fields_and_no_reference_leads_nowhere(document: dict[str, Any]) -> None:
    assert "additionalProperties" not in document["components"]["schemas"]["OrderCreated"]
    for reference in references(document):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def references(value: Any) -> list[str]:
    match value:
        case {"$ref": str() as reference}:
            return [reference]
        case dict():
            return [each for item in value.values() for each in references(item)]
        case list():
            return [each for item in value for each in references(item)]
    return []


def test_without_samples_and_feeds_it_is_made_all_the_same() -> None:
    made = make_document("Bread", "1", REGISTRY)
    assert "examples" not in made["components"]["messages"]["order_created"]
    assert list(made["servers"]) == ["broker"]


def test_the_page_shows_every_message_and_loads_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/messages/")
    text = page.content.decode()
    assert page.status_code == 200
    assert "://" not in text
    assert "'unsafe-inline'" not in page.headers["Content-Security-Policy"]
    for message in describe_project()["components"]["messages"]:
        assert f'id="{message}"' in text
    assert 'href="#listings.item_sold"' in text
    assert "unit_price_cents" in text
    assert "<code>event_id</code> that you have" in text
    assert ("/ws/orders/" in text) == (settings.SERVICE == "listings")


def test_the_document_can_be_fetched(client: Client) -> None:
    assert yaml.safe_load(client.get("/api/messages.yaml").content) == describe_project()
