"""A trace id entered in one admin finds everything about a purchase in both services."""

import pytest
import requests

from stack.waiting import wait_until
from tests.support.market import Market, Person
from tests.support.operator import Operator


@pytest.fixture
def purchase(market: Market, seller: Person, buyer: Person) -> dict[str, str]:
    """A purchase that is settled."""
    bought: dict[str, str] = buyer.buy(seller.sell("Crunchy armchair")).json()
    market.wait_settled([bought["id"]])
    assert wait_until(lambda: bought["id"] in market.stack.log("listings-worker"), timeout_seconds=30)
    return bought


@pytest.mark.parametrize("service", ["listings", "transactions"])
@pytest.mark.parametrize("by", ["trace_id", "id"])
def test_either_admin_shows_order_transaction_and_log_lines(
    market: Market, purchase: dict[str, str], service: str, by: str
) -> None:
    page = Operator(market).read(service, f"/admin/trace/?q={purchase[by]}")
    assert f"{purchase['id']}: accepted: 1 reserved" in page
    assert f"of order {purchase['id']}: recorded" in page
    assert "order_created published" not in page  # a step without a time is for the order's own page
    for process in ("listings-api", "listings-worker", "transactions-worker"):
        assert f"log line {process}: " in page, process


def test_the_command_line_shows_the_same(market: Market, purchase: dict[str, str]) -> None:
    for service in ("listings", "transactions"):
        output = market.manage(service, "trace", purchase["trace_id"])
        kinds = {tuple(line.split("\t")[1:3]) for line in output.splitlines()}
        assert {("listings", "order"), ("transactions", "transaction")} < kinds
        assert {("listings", "log line"), ("transactions", "log line")} < kinds


def test_a_role_without_rights_in_a_service_is_shown_less_of_it(
    market: Market, purchase: dict[str, str]
) -> None:
    page = Operator(market, role="support").read("listings", f"/admin/trace/?q={purchase['id']}")
    assert f"of order {purchase['id']}: recorded" in page
    assert "log line" not in page
    assert "more are not for your role" in page


def test_links_lead_to_the_admin_that_has_the_row(market: Market, purchase: dict[str, str]) -> None:
    operator = Operator(market)
    [link] = set(operator.links("listings", f"/admin/trace/?q={purchase['id']}", "transactions/transaction/"))
    assert link.startswith(market.transactions_url)
    assert purchase["id"] in operator.read("transactions", link.removeprefix(market.transactions_url))


def test_a_service_that_is_down_is_named_and_the_rest_is_shown(
    market: Market, purchase: dict[str, str]
) -> None:
    operator = Operator(market)
    market.stack.stop("transactions-api")
    page = operator.read("listings", f"/admin/trace/?q={purchase['trace_id']}")
    assert "The transactions service could not be queried: ConnectionError." in page
    assert f"{purchase['id']}: accepted" in page


def test_a_request_without_a_signature_is_refused(market: Market) -> None:
    response = requests.post(f"{market.transactions_url}/staff/trace", data={"question": "e30"}, timeout=30)
    assert response.status_code == 403
