"""The consumers under examples/ are made and run by the commands of their guide, and give points once."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import amqp
import pytest
from kombu import Connection, Exchange

from microstore.contracts.samples import Sample, read_samples, releases
from stack.places import ROOT
from stack.servers.debian import find_rabbitmq_folder
from stack.servers.rabbitmq import RabbitMQ
from stack.waiting import wait_until
from tests.end_to_end.conftest import own_services

GUIDE = ROOT / "docs/how-to/build-a-consumer.md"
USER, PYTHON, NODE = re.findall(r"```sh\n(.+?)```", GUIDE.read_text(), re.DOTALL)
PASSWORD = "only-for-tests-0123456789"
EXAMPLES = {
    "python": (PYTHON, ".venv/bin/python loyalty.py", "listener.loyalty.points", 100),
    "node": (NODE, "node loyalty.js show", "listener.loyalty.points-node", 80),
}


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitMQ]:
    """RabbitMQ with the exchange of facts, and the user of the guide."""
    with own_services() as services:
        node = services.rabbitmq
        with Connection(node.url) as connection:
            Exchange("microstore.events", "topic")(connection.default_channel).declare()
        shell(USER, node, ROOT)
        yield node
        node.ctl("delete_user", "loyalty")
        with Connection(node.url) as connection:
            for _, _, queue, _ in EXAMPLES.values():
                connection.default_channel.queue_delete(queue)


def environment(broker: RabbitMQ) -> dict[str, str]:
    """A shell's variables on the broker's machine, with Node of this virtual environment."""
    rabbitmq = find_rabbitmq_folder()
    path = [str(Path(sys.executable).parent), str(rabbitmq), os.environ["PATH"]]
    url = f"amqp://loyalty:{PASSWORD}@127.0.0.1:{broker.port}/"
    own = {"PASSWORD": PASSWORD, "RABBITMQ_PORT": str(broker.port), "BROKER_URL": url}
    return broker.environment() | own | {"PATH": os.pathsep.join(path), "NODE_NO_WARNINGS": "1"}


def shell(commands: str, broker: RabbitMQ, folder: Path) -> str:
    run = ["bash", "-euc", commands]
    done = subprocess.run(
        run, cwd=folder, env=environment(broker), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=EXAMPLES)
def example(request: pytest.FixtureRequest, broker: RabbitMQ, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A copy of the examples, one of them running, and the command that shows its points."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("node_modules"))
    commands, show, queue, _ = EXAMPLES[request.param]
    log = (tmp_path / "log").open("w+")
    process = subprocess.Popen(
        ["bash", "-euc", commands],
        cwd=tmp_path,
        env=environment(broker),
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        assert wait_until(lambda: has_consumer(broker, queue), timeout_seconds=120), log.seek(0) or log.read()
        yield tmp_path / re.findall(r"cd (\S+)", commands)[0], show
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        log.close()


def has_consumer(broker: RabbitMQ, queue: str) -> bool:
    return f"{queue}\t1" in broker.ctl("list_queues", "name", "consumers")


def completed(order: int, buyer_id: int, total_cents: int) -> Sample:
    """The fact as it was on the wire, of another order."""
    release = releases(ROOT / "microstore/contracts/releases")[-1]
    [sample] = [each for each in read_samples(release) if each.task == "order_completed"]
    body = json.loads(sample.body)
    body[0][0][0] |= {"order_id": str(UUID(int=order)), "buyer_id": buyer_id, "total_cents": total_cents}
    return sample._replace(body=json.dumps(body))


def publish(broker: RabbitMQ, sample: Sample) -> None:
    with Connection(broker.url, transport_options={"confirm_publish": True}) as connection:
        connection.Producer().publish(
            sample.body.encode(),
            exchange=sample.exchange,
            routing_key=sample.routing_key,
            headers=sample.properties["application_headers"],
            content_type=sample.properties["content_type"],
            content_encoding=sample.properties["content_encoding"],
            correlation_id=sample.properties["correlation_id"],
        )


@pytest.mark.timeout(300)
def test_each_order_gives_its_points_once_however_often_its_fact_comes(
    broker: RabbitMQ, example: tuple[Path, str]
) -> None:
    folder, show = example
    first, second = completed(1, 7, 2_663), completed(2, 7, 199)
    unreadable = first._replace(body="[[[{}]], {}, {}]")
    for sample in (first, first, unreadable, second, first, completed(3, 8, 500)):
        publish(broker, sample)
    expected = "user 7: 27 points\nuser 8: 5 points\n"
    assert wait_until(lambda: shell(show, broker, folder) == expected, timeout_seconds=90), shell(
        show, broker, folder
    )
    publish(broker, second)
    publish(broker, completed(4, 9, 100))
    assert wait_until(lambda: "user 9" in shell(show, broker, folder), timeout_seconds=90)
    assert shell(show, broker, folder) == expected + "user 9: 1 points\n"


def test_an_example_is_short_and_imports_nothing_of_this_code() -> None:
    for name, file in (("python", "loyalty/loyalty.py"), ("node", "loyalty-node/loyalty.js")):
        text = (ROOT / "examples" / file).read_text()
        assert len(text.splitlines()) < EXAMPLES[name][3]
        assert not re.search(r"(from|import) (microstore|listings|transactions)", text)


@pytest.mark.parametrize(
    "act",
    [
        lambda channel: channel.queue_declare("transactions"),
        lambda channel: channel.basic_get("transactions"),
        lambda channel: channel.basic_publish_confirm(
            amqp.Message("{}"), "microstore.events", "order.completed"
        ),
    ],
    ids=["declare", "read", "publish"],
)
def test_the_user_of_the_guide_may_do_nothing_else(
    broker: RabbitMQ, act: Callable[[amqp.Channel], object]
) -> None:
    connection = amqp.Connection(f"127.0.0.1:{broker.port}", userid="loyalty", password=PASSWORD)
    connection.connect()
    with pytest.raises(amqp.AccessRefused):
        act(connection.channel())
    connection.collect()
