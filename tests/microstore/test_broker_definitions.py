"""What RabbitMQ imports at its start is what the code declares, with a user for each who logs in."""

import json
import re

import pytest
from django.core.management import call_command

from microstore.contracts.registry import LISTENERS, REGISTRY, SERVICES
from stack.places import ROOT

FOLDER = ROOT / "deploy/rabbitmq"
DEFINITIONS = json.loads((FOLDER / "definitions.json").read_text())
RIGHTS = {right["user"]: right for right in DEFINITIONS["permissions"]}


def test_the_file_of_queues_is_what_the_code_declares(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("topology", definitions=True)
    printed = capsys.readouterr().out
    assert printed == (FOLDER / "topology.json").read_text(), (
        "topology --definitions > deploy/rabbitmq/topology.json"
    )


def test_everybody_in_the_registry_has_a_user_who_reads_their_queues() -> None:
    controls = {f"{service}_control" for service in SERVICES}
    assert set(RIGHTS) == {"microstore", "flower", "listener", *SERVICES, *controls, *LISTENERS}
    for queue in REGISTRY.queues:
        for user in {queue, REGISTRY.owner_of(queue)}:
            assert re.search(RIGHTS[user]["read"], queue), (user, queue)
    for service in SERVICES:
        own = [*REGISTRY.queues_of(service), f"{service}.dead"]
        assert [queue for queue in own if not re.search(RIGHTS[service]["read"], queue)] == []


def test_who_may_publish_may_declare_nothing() -> None:
    publishers = {right["user"] for right in DEFINITIONS["topic_permissions"]}
    assert publishers == {*SERVICES, *LISTENERS}
    assert {RIGHTS[user]["configure"] for user in publishers} == {"^$"}
