"""Staff change rows by the admin's forms, and overwrite nothing that others have changed meanwhile."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from listings.catalogue.moderation import withdraw_listing
from listings.models import Listing
from microstore.staff.roles import grant_roles
from tests.support.pages import text

pytestmark = pytest.mark.django_db

INPUT = re.compile(r'<input type="hidden" name="(_seen)" value="([^"]*)">')


def page_of(row: Any) -> str:
    return f"/admin/{row._meta.app_label}/{row._meta.model_name}/{row.pk}/change/"


def open_form(client: Client, row: Any) -> dict[str, Any]:
    """The form of the row's page as a browser sends it, unless something is typed into it."""
    page = client.get(page_of(row))
    values = page.context["adminform"].form.initial.items()
    fields = {name: value for name, value in values if value not in (None, False, "", [])}
    return fields | dict(INPUT.findall(page.content.decode()))


def test_what_its_seller_has_changed_meanwhile_is_not_overwritten_unseen(
    admin_client: Client, armchair: Listing
) -> None:
    form = open_form(admin_client, armchair) | {"title": "Armchair"}
    Listing.objects.update(description="It squeaks.")
    refused = text(admin_client.post(page_of(armchair), form))
    assert "Changed by somebody else meanwhile: description. Nothing is saved." in refused
    armchair.refresh_from_db()
    assert (armchair.title, armchair.description) == ("Crunchy armchair", "It squeaks.")
    again = form | {"_seen": open_form(admin_client, armchair)["_seen"]}
    assert admin_client.post(page_of(armchair), again).status_code == 302
    armchair.refresh_from_db()
    assert armchair.title == "Armchair"


def test_saved_again_as_the_refusal_shows_it_it_replaces_the_other_change(
    admin_client: Client, armchair: Listing
) -> None:
    form = open_form(admin_client, armchair) | {"title": "Armchair"}
    Listing.objects.update(title="Chair")
    shown = admin_client.post(page_of(armchair), form).content.decode()
    assert admin_client.post(page_of(armchair), form | dict(INPUT.findall(shown))).status_code == 302
    armchair.refresh_from_db()
    assert armchair.title == "Armchair"


def test_what_the_form_does_not_write_may_change_meanwhile(admin_client: Client, armchair: Listing) -> None:
    form = open_form(admin_client, armchair) | {"title": "Armchair"}
    Listing.objects.update(available=0)
    withdraw_listing(armchair.pk, by="carol", reason="it bites")
    assert admin_client.post(page_of(armchair), form).status_code == 302


def test_of_two_who_give_somebody_roles_the_second_does_not_take_away_those_of_the_first(
    admin_client: Client, bob: User
) -> None:
    grant_roles()  # a test that emptied the tables leaves none
    form = open_form(admin_client, bob) | {"groups": Group.objects.get(name="support").pk}
    bob.groups.add(Group.objects.get(name="finance"))
    assert "meanwhile: groups." in text(admin_client.post(page_of(bob), form))
    assert [str(group) for group in bob.groups.all()] == ["finance"]
