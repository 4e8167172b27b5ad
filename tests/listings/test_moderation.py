"""Staff withdraw listings and restore them, and say why."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from listings.accounts.deletion import request_deletion
from listings.accounts.scrubbing import scrub_person
from listings.buying.place import Purchase
from listings.buying.purchase import buy_listing
from listings.catalogue.moderation import restore_listing, withdraw_listing
from listings.models import Listing
from listings.refusals import ListingNotFound
from microstore.database.texts import ReasonMissing
from microstore.staff.models import StaffAction
from tests.support.problem import read_problem
from tests.support.roles import client_as

pytestmark = pytest.mark.django_db


def test_a_withdrawn_listing_is_not_sold_and_a_restored_one_is(
    armchair: Listing, purchase: Callable[..., Purchase]
) -> None:
    assert withdraw_listing(armchair.pk, by="carol", reason="it bites")
    with pytest.raises(ListingNotFound):
        buy_listing(purchase())
    assert restore_listing(armchair.pk, by="carol", reason="it was tamed")
    buy_listing(purchase())
    records = StaffAction.objects.filter(target=f"listing {armchair.pk}").order_by("id")
    assert list(records.values_list("by", "action", "reason")) == [
        ("carol", "withdrew", "it bites"),
        ("carol", "restored", "it was tamed"),
    ]


def test_its_seller_cannot_put_back_what_staff_withdrew(
    alice: User, client_of: Callable[[User], APIClient], armchair: Listing
) -> None:
    seller, url = client_of(alice), f"/api/listings/{armchair.pk}/"
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    for action in ("publish", "withdraw", "publish"):
        response = seller.post(f"{url}{action}/")
        if action == "publish":
            assert "it bites" in read_problem(response, 403)["detail"]
    restore_listing(armchair.pk, by="carol", reason="it was tamed")
    seller.post(f"{url}withdraw/")
    assert seller.post(f"{url}publish/").json()["status"] == "on_sale"


def test_staff_leave_alone_what_its_seller_withdrew(
    alice: User, client_of: Callable[[User], APIClient], armchair: Listing
) -> None:
    client_of(alice).post(f"/api/listings/{armchair.pk}/withdraw/")
    assert not restore_listing(armchair.pk, by="carol", reason="a misunderstanding")


@pytest.mark.parametrize("status", ["draft", "withdrawn"])
def test_restoring_puts_nothing_on_sale_that_its_seller_had_not_on_sale(
    alice: User, client_of: Callable[[User], APIClient], armchair: Listing, status: str
) -> None:
    Listing.objects.filter(pk=armchair.pk).update(status=status)
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    assert restore_listing(armchair.pk, by="carol", reason="it was tamed")
    armchair.refresh_from_db()
    assert (armchair.status, armchair.withdrawn_reason) == (status, "")
    assert client_of(alice).post(f"/api/listings/{armchair.pk}/publish/").json()["status"] == "on_sale"


@pytest.mark.parametrize("wish", ["withdraw", "delete"])
def test_what_its_seller_no_longer_sells_is_not_on_sale_again_once_restored(
    alice: User, client_of: Callable[[User], APIClient], armchair: Listing, wish: str
) -> None:
    seller, url = client_of(alice), f"/api/listings/{armchair.pk}/"
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    answer = seller.post(f"{url}withdraw/") if wish == "withdraw" else seller.delete(url)
    assert answer.status_code == (200 if wish == "withdraw" else 403)
    restore_listing(armchair.pk, by="carol", reason="it was tamed")
    armchair.refresh_from_db()
    assert armchair.status == ("withdrawn" if wish == "withdraw" else "on_sale")


def test_a_listing_of_a_deleted_account_is_not_restored(armchair: Listing) -> None:
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    request_deletion(armchair.seller_id)
    scrub_person(armchair.seller_id)
    withdraw_listing(armchair.pk, by="carol", reason="it still bites")
    restore_listing(armchair.pk, by="carol", reason="it was tamed")
    armchair.refresh_from_db()
    assert armchair.status == "withdrawn"


def test_whoever_edits_what_staff_have_withdrawn_meanwhile_is_told(
    alice: User, client_of: Callable[[User], APIClient], armchair: Listing
) -> None:
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    headers = {"If-Match": f'"{armchair.edition}"'}
    response = client_of(alice).patch(
        f"/api/listings/{armchair.pk}/", {"title": "Tame"}, format="json", headers=headers
    )
    read_problem(response, 412)


def test_without_a_reason_nothing_is_withdrawn(armchair: Listing) -> None:
    with pytest.raises(ReasonMissing):
        withdraw_listing(armchair.pk, by="carol", reason=" ")
    armchair.refresh_from_db()
    assert armchair.status == "on_sale"


def test_what_is_done_already_is_not_done_again(armchair: Listing) -> None:
    assert not restore_listing(armchair.pk, by="carol", reason="it is on sale")
    assert withdraw_listing(armchair.pk, by="carol", reason="it bites")
    assert not withdraw_listing(armchair.pk, by="dave", reason="it bites, really")
    armchair.refresh_from_db()
    assert armchair.withdrawn_reason == "it bites"
    assert StaffAction.objects.count() == 1


def test_the_admin_asks_for_the_reason_first(armchair: Listing) -> None:
    client = client_as("support")
    choice = {"action": "withdraw", "_selected_action": armchair.pk}
    asked = client.post("/admin/listings/listing/", choice)
    assert "staff-reason" in asked.content.decode()
    armchair.refresh_from_db()
    assert armchair.status == "on_sale"
    client.post("/admin/listings/listing/", choice | {"reason": "it bites"})
    armchair.refresh_from_db()
    assert (armchair.status, armchair.withdrawn_reason) == ("withdrawn", "it bites")


def test_a_change_by_hand_leaves_a_record(admin_client: Client, admin_user: User, armchair: Listing) -> None:
    form = {"title": "Armchair", "price_cents": 1, "currency": "EUR", "category": "furniture"}
    admin_client.post(f"/admin/listings/listing/{armchair.pk}/change/", form | {"seller": armchair.seller_id})
    record = StaffAction.objects.get()
    assert (record.by, record.action, record.target) == ("admin", "changed", f"listing {armchair.pk}")
    assert "Title" in record.reason
