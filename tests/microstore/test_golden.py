"""Each message of an earlier release is taken by the code that receives messages now."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from microstore.celery import app
from microstore.contracts.contract import Message
from microstore.contracts.registry import LISTENERS, REGISTRY
from microstore.contracts.samples import Sample, read_samples, releases
from microstore.messaging.models import DeadLetter
from microstore.messaging.receiving import consumer
from microstore.messaging.receiving.message_schema import find_fault_in
from microstore.messaging.receiving.routing_key import find_foreign_key

pytestmark = pytest.mark.django_db(transaction=True)  # a task closes its connection

RELEASES = Path(__file__).parents[2] / "microstore/contracts/releases"
SAMPLES = [(release.name, sample) for release in releases(RELEASES) for sample in read_samples(release)]
EACH = pytest.mark.parametrize(("release", "sample"), SAMPLES, ids=[f"{r} {s.task}" for r, s in SAMPLES])
OWN = pytest.mark.parametrize(
    ("release", "sample"),
    [(release, sample) for release, sample in SAMPLES if sample.routing_key == f"task.{settings.SERVICE}"],
    ids=lambda each: each.task if isinstance(each, Sample) else each,
)


@contextmanager
def handled_by(handler: Any, sample: Sample) -> Iterator[None]:
    """Another handler for the sample's contract."""
    contract = REGISTRY.find(sample.task)
    assert contract is not None
    app.loader.import_default_modules()
    known = app.tasks.pop(sample.task)
    consumer.handles(contract)(handler)
    try:
        yield
    finally:
        app.tasks[sample.task] = known


def test_each_release_has_a_sample_of_each_command_and_fact_that_it_had() -> None:
    for release in releases(RELEASES):
        contracts = json.loads((release / "contracts.json").read_text())
        facts = {name.rpartition(".")[2] for name, each in contracts.items() if each["fact"]}
        commands = {name for name, each in contracts.items() if each["to"] and each["to"] not in LISTENERS}
        assert {sample.task for sample in read_samples(release)} == facts | commands


@EACH
def test_it_keeps_the_rules_of_incoming_messages_and_fits_its_contract(release: str, sample: Sample) -> None:
    assert find_fault_in(sample.body.encode(), sample.properties) is None
    delivery = {"exchange": sample.exchange, "routing_key": sample.routing_key}
    assert find_foreign_key(sample.task, delivery) is None
    contract = REGISTRY.find(sample.task)
    assert contract is not None
    (events,), _, _ = json.loads(sample.body)
    assert [contract.parse(event).event_id for event in events]


@OWN
def test_it_reaches_its_handler_whole(release: str, sample: Sample) -> None:
    received: list[Message] = []
    (events,), state, _ = json.loads(sample.body)

    def handle(messages: list[Any]) -> list[Any]:
        received.extend(messages)
        return []

    with handled_by(handle, sample):
        app.tasks[sample.task].apply(args=(events,), kwargs=state, throw=True)
    contract = REGISTRY.find(sample.task)
    assert contract is not None
    # As messages, since PostgreSQL writes the moment as +00:00 and pydantic as Z.
    assert received == [contract.parse(event) for event in events]
    assert all(
        event.keys() <= type(message).model_fields.keys()
        for message, event in zip(received, events, strict=True)
    )
    assert not DeadLetter.objects.exists()
