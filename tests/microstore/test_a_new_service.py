"""A service made from the guide docs/how-to/add-a-service.md handles a fact, and is covered by the checks."""

import json
import os
import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from kombu import Connection

from microstore.contracts.samples import Sample, read_samples, releases
from stack.waiting import wait_until
from tests.support.bakery import database, run, running
from tools.boundaries import find_uncovered

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/how-to/add-a-service.md").read_text()
COPIED = ("manage.py", "pyproject.toml", "microstore", "audit", "listings", "transactions")
FILES = re.findall(r"```python\n# (shipping/\S+)\n(.*?)```", GUIDE, re.DOTALL)
[LISTENER] = re.findall(r'```python\n( +"shipping": Listener.*?)```', GUIDE, re.DOTALL)
[COMMANDS] = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
ASKS = "import django; django.setup(); from shipping.models import Parcel; print(Parcel.objects.count())"


def follow_the_guide(folder: Path) -> None:
    for name in COPIED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
    (folder / "shipping").mkdir()
    for name, code in FILES:
        (folder / name).write_text(code)
    registry = folder / "microstore/contracts/registry.py"
    added = registry.read_text().replace("listeners={", "listeners={\n" + LISTENER, 1)
    assert added != registry.read_text()
    registry.write_text(added)


def sample() -> Sample:
    release = releases(ROOT / "microstore/contracts/releases")[-1]
    [found] = [each for each in read_samples(release) if each.task == "order_completed"]
    return found


@pytest.mark.timeout(240)
def test_a_service_that_only_listens_is_made_by_the_guide_and_handles_a_fact_once(tmp_path: Path) -> None:
    follow_the_guide(tmp_path)
    assert len(find_uncovered(tmp_path)) == 2
    *prepare, worker = [line.split()[1:] for line in COMMANDS.splitlines()]
    with database("shipping") as url:
        own = {"MICROSTORE_SERVICE": "shipping", "DATABASE_URL": url, "DEBUG": "1"}
        kept = {name: os.environ[name] for name in ("PATH", "BROKER_URL", "CHANNEL_LAYER_URL")}
        module = {"DJANGO_SETTINGS_MODULE": "microstore.settings"}
        (tmp_path / "environment.json").write_text(json.dumps(kept | own | module))
        try:
            for command in [["manage.py", "check"], *prepare]:
                run(tmp_path, *command)
            with running(tmp_path, *worker):
                for _ in range(2):
                    publish(sample())
                assert wait_until(lambda: run(tmp_path, "-c", ASKS) == "1\n", timeout_seconds=60)
            assert run(tmp_path, "-c", ASKS) == "1\n"
        finally:
            with Connection(settings.BROKER_URL) as broker:
                for queue in ("shipping", "shipping.dead"):
                    broker.default_channel.queue_delete(queue)


def publish(fact: Sample) -> None:
    properties = fact.properties
    with Connection(settings.BROKER_URL, transport_options={"confirm_publish": True}) as broker:
        broker.Producer().publish(
            fact.body.encode(),
            exchange=fact.exchange,
            routing_key=fact.routing_key,
            headers=properties["application_headers"],
            content_type=properties["content_type"],
            content_encoding=properties["content_encoding"],
        )
