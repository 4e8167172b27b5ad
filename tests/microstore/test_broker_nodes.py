"""A broker of several nodes."""

import socket
from itertools import permutations

from django.conf import settings

from microstore.celery import app
from microstore.messaging.celery_configuration import shuffle_nodes


def test_each_process_begins_with_another_node() -> None:
    nodes = ["amqp://a//", "amqp://b//", "amqp://c//"]
    orders = {shuffle_nodes(";".join(nodes)) for _ in range(1000)}
    assert orders == {";".join(order) for order in permutations(nodes)}


def test_a_node_that_is_silent_is_passed_over() -> None:
    """Its kernel still takes connections, and nothing ever comes back."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        nodes = f"amqp://nobody@127.0.0.1:{port}//;{settings.CELERY_BROKER_URL}"
        with app.connection_for_write(nodes) as connection:
            # As a producer connects.
            assert connection.default_channel.is_open
            assert connection.port != port
