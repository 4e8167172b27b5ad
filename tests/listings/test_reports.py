"""Users report listings; staff withdraw what is reported, or dismiss the report."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from listings.catalogue.moderation import withdraw_listing
from listings.catalogue.reports import dismiss_report, report_listing, uphold_report
from listings.models import Listing, Report
from microstore.database.texts import ReasonMissing
from microstore.staff.models import StaffAction
from tests.support.pages import text
from tests.support.problem import read_problem
from tests.support.roles import client_as
from tests.support.threads import run_at_once

pytestmark = pytest.mark.django_db
FAKE = {"reason": "counterfeit", "text": "The label is misspelt."}


@pytest.fixture
def report(armchair: Listing, bob: User) -> Report:
    return report_listing(armchair.pk, reporter_id=bob.pk, **FAKE)


def test_a_shopper_reports_a_listing_by_its_page(shopper: Client, bob: User, armchair: Listing) -> None:
    path = f"/listings/{armchair.pk}/report/"
    assert path in text(shopper.get(f"/listings/{armchair.pk}/"))
    assert "It is a counterfeit" in text(shopper.get(path))
    assert "Our staff will look at it" in text(shopper.post(path, FAKE))
    report = Report.objects.get()
    assert (report.listing, report.reporter, report.reason, report.text, report.state) == (
        armchair,
        bob,
        "counterfeit",
        "The label is misspelt.",
        "waiting",
    )


def test_a_storefront_reports_a_listing_for_its_shopper(api: APIClient, bob: User, armchair: Listing) -> None:
    assert api.post(f"/api/listings/{armchair.pk}/report/", FAKE, format="json").status_code == 202
    assert Report.objects.get().reporter == bob


@pytest.mark.parametrize(
    "told",
    [{}, {"reason": "because"}, {"reason": "other", "text": "a\0b"}, {"reason": "other", "text": "x" * 1001}],
)
def test_a_report_that_makes_no_sense_is_not_sent(shopper: Client, armchair: Listing, told: Any) -> None:
    page = text(shopper.post(f"/listings/{armchair.pk}/report/", told), 400)
    assert "-wrong" in page
    assert "&quot;&quot;" not in page
    assert not Report.objects.exists()


def test_strangers_log_in_first(client: Client, armchair: Listing) -> None:
    assert "/log-in/" in client.get(f"/listings/{armchair.pk}/report/").headers["Location"]


def test_nobody_reports_their_own_or_what_they_cannot_see(
    seller: Client, client_of: Callable[[User], APIClient], alice: User, bob: User, put_on_sale: Any
) -> None:
    own, draft = put_on_sale(), put_on_sale(status="draft")
    assert "report/" not in text(seller.get(f"/listings/{own.pk}/"))
    text(seller.post(f"/listings/{own.pk}/report/", FAKE), 403)
    read_problem(client_of(alice).post(f"/api/listings/{own.pk}/report/", FAKE, format="json"), 403)
    read_problem(client_of(bob).post(f"/api/listings/{draft.pk}/report/", FAKE, format="json"), 404)
    assert not Report.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_report_that_is_sent_twice_waits_once(armchair: Listing, bob: User) -> None:
    reports = run_at_once(4, lambda _: report_listing(armchair.pk, reporter_id=bob.pk, **FAKE).pk)
    assert len(set(reports)) == 1
    assert dismiss_report(Report.objects.get(), by="carol", reason="the label is right")
    report_listing(armchair.pk, reporter_id=bob.pk, **FAKE)
    assert Report.objects.count() == 2


def test_staff_withdraw_what_is_reported_which_decides_every_report_of_it(
    report: Report, armchair: Listing, make_user: Callable[..., User]
) -> None:
    other = report_listing(armchair.pk, reporter_id=make_user().pk, reason="fraud")
    client = client_as("support")
    choice = {"action": "withdraw", "_selected_action": report.pk}
    assert "staff-reason" in text(client.post("/admin/listings/report/", choice))
    client.post("/admin/listings/report/", choice | {"reason": "a counterfeit"})
    for each in (report, other):
        each.refresh_from_db()
        assert (each.state, each.decided_by) == ("upheld", "one-of-support")
        assert each.decided_at
    armchair.refresh_from_db()
    assert (armchair.status, armchair.withdrawn_reason) == ("withdrawn", "a counterfeit")
    assert not uphold_report(report, by="carol", reason="again")
    assert StaffAction.objects.filter(action="withdrew").count() == 1


def test_a_report_of_what_is_withdrawn_already_is_closed(report: Report, armchair: Listing) -> None:
    Listing.objects.filter(pk=armchair.pk).update(status="withdrawn", withdrawn_reason="it bites")
    assert uphold_report(report, by="carol", reason="it bites")
    report.refresh_from_db()
    assert report.state == "upheld"


def test_a_withdrawal_by_other_ways_decides_the_reports_too(report: Report, armchair: Listing) -> None:
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    report.refresh_from_db()
    assert (report.state, report.decided_by) == ("upheld", "carol")


def test_staff_dismiss_a_report_and_the_listing_stays(report: Report, armchair: Listing) -> None:
    client = client_as("support")
    client.post(
        "/admin/listings/report/",
        {"action": "dismiss", "_selected_action": report.pk, "reason": "the label is right"},
    )
    report.refresh_from_db()
    armchair.refresh_from_db()
    assert (report.state, armchair.status) == ("dismissed", "on_sale")
    action = StaffAction.objects.get(action="dismissed a report")
    assert (action.target, action.reason) == (f"listing {armchair.pk}", "the label is right")
    with pytest.raises(ReasonMissing):
        dismiss_report(report, by="carol", reason=" ")


def test_reports_are_found_by_listing_and_by_reporter_and_counted_on_the_front_page(
    report: Report, armchair: Listing
) -> None:
    client = client_as("support")
    for term, found in ((str(armchair.pk), 1), ("bob", 1), ("987654321", 0), ("alice", 0), ("\0", 1)):
        changes = client.get("/admin/listings/report/", {"q": term}).context["cl"]
        assert len(changes.result_list) == found, term
    assert "1 waiting" in text(client.get(f"/admin/listings/listing/{armchair.pk}/change/"))
    [figure] = [each for each in client.get("/admin/").context["figures"] if each.label == "reports waiting"]
    assert (figure.value, figure.alarm) == ("1", True)
    assert len(client.get(figure.url).context["cl"].result_list) == 1
