"""While the database is away or takes no writes, buyers are told to try again."""

from collections.abc import Callable

import pytest
from django.db import connection
from rest_framework.test import APIClient

from listings.models import Listing, Order
from microstore.database.outage import is_database_outage
from tests.support.ports import closed_port
from tests.support.problem import read_problem

pytestmark = pytest.mark.django_db(transaction=True)


def test_without_its_database_the_api_asks_for_patience(
    api: APIClient, put_on_sale: Callable[..., Listing], monkeypatch: pytest.MonkeyPatch
) -> None:
    lamp = put_on_sale("Reading lamp")
    with closed_port() as port, monkeypatch.context() as patch:
        patch.setitem(connection.settings_dict, "PORT", port)
        connection.close()
        response = api.post(f"/api/listings/{lamp.pk}/buy/", {"quantity": 1}, format="json")
        read_problem(response, 503)
        assert response["Retry-After"] == "1"


def test_a_read_only_database_is_an_outage_and_not_a_fault(
    api: APIClient, put_on_sale: Callable[..., Listing]
) -> None:
    lamp = put_on_sale("Reading lamp")
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    read_problem(api.post(f"/api/listings/{lamp.pk}/buy/", {"quantity": 1}, format="json"), 503)
    assert not Order.objects.exists()
    again = api.post(f"/api/listings/{lamp.pk}/buy/", {"quantity": 1}, format="json")
    assert again.status_code == 202, "only that connection was read-only, and it should be gone"


def test_a_fault_of_ours_is_no_outage() -> None:
    with pytest.raises(Exception, match="division") as caught, connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    assert not is_database_outage(caught.value)
