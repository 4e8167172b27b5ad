"""An account's owner gets an archive of what both services have stored of it, and nobody else does."""

import json
import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4
from zipfile import ZipFile

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from listings.accounts.deletion import carry_on, request_deletion
from listings.accounts.exporting import KEPT_FOR, carry_on_exports
from listings.accounts.models import AccountExport, ExportPage
from listings.models import Listing
from listings.tasks import account_exported
from microstore.contracts.accounts import ACCOUNT_EXPORTED, AccountExported
from microstore.contracts.contract import to_wire
from microstore.messaging.dead_letters import store
from microstore.messaging.models import DeadLetter, OutboxMessage
from microstore.telemetry.tracing import new_trace
from tests.listings.hooks import endpoint_of
from tests.listings.purchases import order_one
from tests.microstore.test_rights import READER, acting_as
from tests.support.pages import address, text
from tests.support.problem import read_problem
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "/api/auth/me/export/"
FILES = ("purchases", "sales", "decided_refunds", "ledger", "payouts")  # of the transactions service
SOON = timedelta(minutes=2)
# Of staff, as notes are; and the account's end, which begins when there is no log-in any more.
LEFT_OUT = {
    *("django_admin_log", "otp_static_staticdevice", "otp_totp_totpdevice", "listings_customernote"),
    "listings_accountdeletion",
}
DESCRIPTION = Path(__file__).parents[2] / "docs/reference/archive.md"


@pytest.fixture
def zora(make_user: Callable[..., User]) -> User:
    """She wants to see what there is."""
    return make_user("zora-quick", email="zora@quick.example")


@pytest.fixture
def of_zora(zora: User, client_of: Callable[[User], APIClient]) -> APIClient:
    return client_of(zora)


def requested() -> list[dict[str, Any]]:
    rows = OutboxMessage.objects.filter(contract="export_requested").order_by("pk")
    return list(rows.values_list("payload", flat=True))


def page(of: dict[str, Any], file: str, rows: Sequence[Any] = (), next_cursor: str = "") -> AccountExported:
    """The reply to a request for a page."""
    return ACCOUNT_EXPORTED(
        export_id=UUID(of["export_id"]),
        account_id=of["account_id"],
        page=of["page"],
        file=file,
        rows=list(rows),
        next_cursor=next_cursor,
        trace=new_trace(),
    )


def reply_to_all() -> None:
    """Do as the transactions service, which has a row in each file."""
    for file, following in zip(FILES, [*FILES[1:], ""], strict=True):
        account_exported([page(requested()[-1], file, [{"file": file}], following and f"{following}:")])


def files_of(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    assert response["Content-Type"] == "application/zip"
    with ZipFile(BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        return {
            name.removesuffix(".json"): json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith(".json")
        }


def test_it_is_made_by_tasks_and_has_what_both_services_stored(
    of_zora: APIClient, zora: User, bob: User, armchair: Listing
) -> None:
    body = {"title": "Quixotic lamp", "description": "Möbius", "price_cents": 900, "currency": "EUR"}
    lamp = Listing.objects.get(pk=of_zora.post("/api/listings/", body, format="json").json()["id"])
    sold, bought = order_one(lamp, buyer_id=bob.pk), order_one(armchair, buyer_id=zora.pk)
    response = of_zora.get(PATH)
    assert (response.status_code, response.json()["status"]) == (202, "being_made")
    assert int(response["Retry-After"]) > 0
    reply_to_all()
    files = files_of(of_zora.get(PATH))
    assert [each["username"] for each in files["account"]] == ["zora-quick"]
    assert [each["description"] for each in files["listings"]] == ["Möbius"]
    assert [each["id"] for each in files["orders_sold"]] == [str(sold.pk)]
    assert [each["id"] for each in files["orders_bought"]] == [str(bought.pk)]
    assert {each["kind"] for each in files["activity"]} == {"export_requested"}
    assert [files[file] for file in FILES] == [[{"file": file}] for file in FILES]
    whole = json.dumps(files)
    assert "bob" not in whole
    assert "alice" not in whole
    assert not ExportPage.objects.exists()


def test_every_table_with_rows_of_a_person_is_in_it_or_left_out_knowingly(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    with CaptureQueriesContext(connection) as queries:
        reply_to_all()
    read = " ".join(query["sql"] for query in queries)
    tables = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.related_model is User for field in model._meta.fields)
    }
    assert {table for table in tables if f'FROM "{table}"' not in read} == LEFT_OUT


def test_it_has_the_webhooks_without_their_secrets(of_zora: APIClient, zora: User) -> None:
    endpoint = endpoint_of(zora, "https://zora.quick.example/sold")
    of_zora.get(PATH)
    reply_to_all()
    files = files_of(of_zora.get(PATH))
    assert [each["url"] for each in files["webhooks"]] == [endpoint.url]
    assert endpoint.secret not in json.dumps(files)


def test_every_file_is_described(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    reply_to_all()
    described = re.findall(r"^\| `(\w+)\.json` \|", DESCRIPTION.read_text(), re.MULTILINE)
    assert sorted(described) == sorted(files_of(of_zora.get(PATH)))


def test_a_file_of_many_pages_is_whole_and_in_order_however_often_a_page_comes(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    last = {"export_id": requested()[0]["export_id"], "account_id": requested()[0]["account_id"]}
    for number in range(3):
        following = f"sales:{number}" if number < 2 else ""
        message = page(last | {"page": number}, "sales", [{"number": number}], following)
        account_exported([message, ACCOUNT_EXPORTED.parse(to_wire(message))])
        account_exported([message])
    assert [(each["page"], each["cursor"]) for each in requested()] == [
        (0, ""),
        (1, "sales:0"),
        (2, "sales:1"),
    ]
    assert files_of(of_zora.get(PATH))["sales"] == [{"number": 0}, {"number": 1}, {"number": 2}]


def test_nobody_else_gets_it(of_zora: APIClient, bob: User, client_of: Callable[[User], APIClient]) -> None:
    of_zora.get(PATH)
    reply_to_all()
    assert client_of(bob).get(PATH).status_code == 202
    read_problem(APIClient().get(PATH), 401)
    # Nor does a page of one account come into the archive of another.
    of_bob = requested()[-1]
    account_exported([page(of_bob | {"account_id": requested()[0]["account_id"]}, "sales")])
    assert not ExportPage.objects.exists()


def test_a_suspended_account_gets_none(of_zora: APIClient, zora: User) -> None:
    of_zora.get(PATH)
    reply_to_all()
    User.objects.filter(pk=zora.pk).update(is_active=False)
    read_problem(of_zora.get(PATH), 401)


def test_requests_at_the_same_moment_have_one_made(
    zora: User, client_of: Callable[[User], APIClient]
) -> None:
    assert set(run_at_once(4, lambda _: client_of(zora).get(PATH).status_code)) == {202}
    assert len(requested()) == AccountExport.objects.count() == 1


def test_it_expires_and_is_made_anew(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    reply_to_all()
    assert of_zora.get(PATH).status_code == 200
    AccountExport.objects.update(ready_at=F("ready_at") - KEPT_FOR)
    assert of_zora.get(PATH).status_code == 202
    reply_to_all()
    AccountExport.objects.update(ready_at=F("ready_at") - KEPT_FOR)
    call_command("reconcile")
    assert not AccountExport.objects.exists()


def test_what_does_not_come_is_requested_again_and_after_an_hour_seldom(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    first = requested()[0]
    account_exported([page(first, "purchases", [], "sales:")])
    assert sum(carry_on_exports(SOON)) == 0
    AccountExport.objects.update(sent_at=F("sent_at") - SOON)
    assert [sum(carry_on_exports(SOON)), sum(carry_on_exports(SOON))] == [1, 0]
    again = requested()[-1]
    assert (again["page"], again["cursor"]) == (1, "sales:")
    assert again["event_id"] != requested()[-2]["event_id"]
    AccountExport.objects.update(
        sent_at=F("sent_at") - SOON, requested_at=F("requested_at") - timedelta(hours=2)
    )
    assert sum(carry_on_exports(SOON)) == 0
    AccountExport.objects.update(sent_at=F("sent_at") - timedelta(hours=1))
    assert sum(carry_on_exports(SOON)) == 1


def test_a_failure_while_it_is_made_leaves_it_to_the_next_delivery(
    of_zora: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_zora.get(PATH)
    message = page(requested()[0], "sales")
    with monkeypatch.context() as patch:
        patch.setattr("listings.accounts.exporting.make_archive", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            account_exported([message])
    assert of_zora.get(PATH).status_code == 202
    account_exported([message])
    assert of_zora.get(PATH).status_code == 200


def test_a_deleted_account_leaves_no_archive_and_no_page_of_it(of_zora: APIClient, zora: User) -> None:
    of_zora.get(PATH)
    late = page(requested()[0], "sales", [{"title": "Quixotic lamp"}])
    account_exported([page(requested()[0], "purchases", [{"title": "Quixotic lamp"}], "sales:")])
    store.dead_letter(contract="account_exported", payload=to_wire(late), error=ValueError("no"), attempts=3)
    request_deletion(zora.pk)
    assert carry_on(zora.pk, SOON) == 1
    account_exported([late])
    assert not AccountExport.objects.exists()
    assert not DeadLetter.objects.filter(contract="account_exported").exists()


def test_the_role_of_the_audit_does_not_read_it(of_zora: APIClient) -> None:
    of_zora.get(PATH)
    for rows in (AccountExport.objects.values("private_archive"), ExportPage.objects.values("private_rows")):
        with acting_as(READER), pytest.raises(Exception, match="permission denied"):
            list(rows)


def test_the_page_has_it_made_and_then_a_link_to_it(zora: User) -> None:
    client = Client()
    client.force_login(zora)
    assert "Request an archive" in text(client.get("/account/data/"))
    assert address(client.get("/account/archive/")) == "/account/data/#archive"
    assert address(client.post("/account/archive/")) == "/account/data/#archive"
    assert "being prepared" in text(client.get("/account/data/"))
    # A link to the page itself would load nothing, where its section is shown.
    assert 'href="/account/archive/">Check again' in client.get("/account/data/").content.decode()
    reply_to_all()
    assert "/account/archive/" in client.get("/account/data/").content.decode()
    files = files_of(client.get("/account/archive/"))
    assert [each["username"] for each in files["account"]] == ["zora-quick"]


def test_an_export_that_was_never_requested_takes_no_page(zora: User) -> None:
    foreign = {"export_id": str(uuid4()), "account_id": zora.pk, "page": 0}
    account_exported([page(foreign, "sales")])
    assert not ExportPage.objects.exists()
