"""The guide docs/how-to/add-a-field.md is enough: its field arrives in the transactions service."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).parents[2]
GUIDE = {  # file, the line before, the line that is added: steps 1 and 2 of the guide
    "microstore/contracts/transactions.py": ('    picture: Picture = ""\n', "    gift_note: str = ''\n"),
    "listings/buying/sql/order_created.sql": (
        "        'currency', placed.currency,\n",
        "        'gift_note', 'Happy birthday',\n",
    ),
}
BUYS = """
import json, pytest
from pathlib import Path
from listings.buying.purchase import buy_listing
from listings.buying.place import Purchase
from microstore.messaging.models import OutboxMessage
from microstore.telemetry.tracing import new_trace

@pytest.mark.django_db
def test_buy(armchair, bob):
    buy_listing(Purchase(armchair.pk, bob.pk, 1, new_trace()))
    Path("outbox.json").write_text(json.dumps(OutboxMessage.objects.get().payload))
"""
RECEIVES = """
import json
from pathlib import Path
from microstore.contracts.transactions import ORDER_CREATED

def test_receive():
    received = ORDER_CREATED.parse(json.loads(Path("outbox.json").read_text()))
    assert received.gift_note == "Happy birthday"
"""


def run_test(root: Path, service: str, code: str) -> None:
    (root / f"tests/{service}/test_of_the_copy.py").write_text(code)
    database = f"{connection.settings_dict['NAME']}_copy"
    url = os.environ["DATABASE_URL"]
    environment = {
        **os.environ,
        "MICROSTORE_SERVICE": service,
        f"{service.upper()}_DATABASE_URL": f"{url.rpartition('/')[0]}/{database}",
    }
    command = [sys.executable, "-m", "pytest", "-q", f"tests/{service}/test_of_the_copy.py"]
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr


@pytest.mark.timeout(300)
def test_a_field_added_by_the_guide_alone_arrives(tmp_path: Path) -> None:
    for package in ("microstore", "listings", "transactions", "audit", "fees", "tests", "stack"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, (before, added) in GUIDE.items():
        text = (tmp_path / name).read_text()
        assert text.count(before) == 1
        (tmp_path / name).write_text(text.replace(before, before + added))
    run_test(tmp_path, "listings", BUYS)
    run_test(tmp_path, "transactions", RECEIVES)
