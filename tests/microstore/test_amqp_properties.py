"""Properties that py-amqp cannot read: the message is kept, and its reader goes on."""

import pytest
from django.conf import settings
from kombu import Connection

from microstore.celery import app
from microstore.messaging import topology
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter
from tests.support.poison import LATE, LateMessage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("body", [b"armchair", b"", b"x" * 1_000_000])
def test_a_time_that_nobody_can_read_is_kept_with_its_bytes(broker: Connection, body: bytes) -> None:
    with app.connection_for_write(transport_options={"confirm_publish": True}) as confirming:
        message = LateMessage(body, application_headers={"sent_at": LATE, "colour": "green"})
        confirming.default_channel.basic_publish(message, topology.DEAD.name, f"dead.{settings.SERVICE}")
    assert store.collect(broker) == 1
    letter = DeadLetter.objects.get()
    assert bytes(letter.raw_body or b"") == body
    assert "year 55840 is out of range" in letter.headers["unreadable"]
    assert b"green" in bytes.fromhex(letter.headers["x-bytes"])
