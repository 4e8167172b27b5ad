"""The guide docs/how-to/add-a-field.md is enough: its field arrives in the transactions service."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection

from listings.models import Listing
from microstore.messaging.models import OutboxMessage
from tests.listings.purchases import order_one
from tests.support.copied_code import copy_code

ROOT = Path(__file__).parents[2]
RECEIVES = """
import json, sys
from microstore.contracts.transactions import ORDER_CREATED
print(ORDER_CREATED.parse(json.load(sys.stdin)).gift_note)
"""


def changed(name: str, *, after: str, line: str) -> str:
    """The text of a file with one more line."""
    text = (ROOT / name).read_text()
    assert text.count(after) == 1
    return text.replace(after, after + line)


@pytest.mark.django_db
def test_a_field_added_by_the_guide_alone_arrives(tmp_path: Path, armchair: Listing, bob: User) -> None:
    """Its steps 1 and 2; the database forgets the changed function with the test's transaction."""
    contract = "microstore/contracts/transactions.py"
    copy_code("microstore", tmp_path)
    field = changed(contract, after='    picture: Picture = ""\n', line="    gift_note: str = ''\n")
    (tmp_path / contract).write_text(field)
    sender = changed(
        "listings/buying/sql/order_created.sql",
        after="        'currency', placed.currency,\n",
        line="        'gift_note', 'Happy birthday',\n",
    )
    with connection.cursor() as cursor:
        cursor.execute(sender)
    order_one(armchair, buyer_id=bob.pk)
    message = json.dumps(OutboxMessage.objects.get().payload)
    command = [sys.executable, "-c", RECEIVES]
    received = subprocess.run(
        command, cwd=tmp_path, input=message, capture_output=True, text=True, check=False
    )
    assert received.stdout == "Happy birthday\n", received.stderr
