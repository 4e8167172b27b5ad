"""How messages of a contract are put into Celery messages: many events of one kind share an envelope."""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from celery.utils import uuid
from kombu import Producer

from microstore.contracts.contract import AnyContract
from microstore.messaging import topology

Payload = dict[str, Any]


def publish_command(
    app: Celery, producer: Producer, contract: AnyContract, payloads: Sequence[Payload], *, task_id: str
) -> None:
    """Send a batch to the service that handles it, with the callback chained; it must reach a queue."""
    app.send_task(
        contract.task_name,
        args=[list(payloads)],
        argsrepr=summarize(payloads),
        task_id=task_id,
        chain=[reply_step(contract.reply)] if contract.reply else None,
        producer=producer,
        mandatory=True,
        retry=False,
        declare=[],
    )


def publish_fact(
    app: Celery, producer: Producer, contract: AnyContract, payloads: Sequence[Payload], *, task_id: str
) -> None:
    """Tell a batch of facts to whoever listens, which may be nobody. It carries no chain: many may run it."""
    app.send_task(
        contract.name,
        args=[list(payloads)],
        argsrepr=summarize(payloads),
        task_id=task_id,
        exchange=topology.EVENTS.name,
        exchange_type=topology.EVENTS.type,
        routing_key=contract.fact,
        producer=producer,
        mandatory=False,
        retry=False,
        # Where kombu itself routes, it takes an exchange that this process has not declared for a direct one.
        declare=[] if app.conf.broker_url.startswith("amqp") else [topology.EVENTS],
    )


def summarize(payloads: Sequence[Payload]) -> str:
    """What Flower shows of a message; left to itself Celery would write it all out."""
    return f"({len(payloads)} events, first of order {payloads[0].get('order_id')})" if payloads else "()"


def reply_step(contract: AnyContract) -> dict[str, Any]:
    """The Celery signature of the callback task."""
    return {
        "task": contract.task_name,
        "args": [],
        "kwargs": {},
        "options": {"task_id": uuid()},
        "subtask_type": None,
        "immutable": False,
    }
