"""Who is asking: only a good access token is believed."""

from collections.abc import Callable

import jwt
import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from listings.accounts.sessions import open_session
from listings.models import Listing
from microstore.auth.authentication import TokenAuthentication
from tests.support.problem import read_problem
from tests.support.rows import count_rows
from tests.support.tokens import FORGERIES, claims_of, forge, sign

pytestmark = pytest.mark.django_db

LAMP = {"title": "Reading lamp", "price_cents": 5_900, "currency": "EUR"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_good_token_is_believed(anybody: APIClient, bob: User, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {sign(claims_of(bob.pk))}"}
    assert anybody.get("/api/orders/", headers=headers).status_code == 200


def test_a_token_is_remembered_once_however_many_blanks_are_before_it(anybody: APIClient, bob: User) -> None:
    """An entry of the cache would be as large as the header, of which servers take hundreds of kilobytes."""
    token = sign(claims_of(bob.pk, jti="remembered once"))
    for blanks in ("", " ", " " * 5_000):
        headers = {"Authorization": f"Bearer {blanks}{token}"}
        assert anybody.get("/api/orders/", headers=headers).status_code == 200
    assert [each for each in TokenAuthentication._verified if token in each] == [f"Bearer {token}"]


@pytest.mark.parametrize("kind", FORGERIES)
def test_a_forged_token_opens_nothing(anybody: APIClient, bob: User, armchair: Listing, kind: str) -> None:
    headers = {"Authorization": f"Bearer {forge(kind, bob.pk)}"}
    before = count_rows()
    for response in (
        anybody.post(f"/api/listings/{armchair.pk}/buy/", headers=headers),
        anybody.post("/api/listings/", LAMP, format="json", headers=headers),
        anybody.get("/api/orders/", headers=headers),
        anybody.get("/api/listings/", headers=headers),
    ):
        read_problem(response, 401)
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert count_rows() == before
    assert Listing.objects.get().available == 1


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic Ym9iOmJvYg==", "Token x"])
def test_without_a_token_nothing_is_bought(anybody: APIClient, armchair: Listing, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    before = count_rows()
    for response in (
        anybody.post(f"/api/listings/{armchair.pk}/buy/", headers=headers),
        anybody.post("/api/listings/", LAMP, format="json", headers=headers),
        anybody.get("/api/orders/", headers=headers),
    ):
        read_problem(response, 401)
    assert count_rows() == before


@pytest.mark.django_db(transaction=True)
def test_the_token_of_a_deleted_user_buys_and_sells_nothing(
    armchair: Listing, make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    carol = make_user("carol")
    client = client_of(carol)
    carol.delete()
    before = count_rows()
    read_problem(client.post(f"/api/listings/{armchair.pk}/buy/"), 401)
    read_problem(client.post("/api/listings/", LAMP, format="json"), 401)
    assert client.get("/api/orders/").json()["results"] == []
    assert count_rows() == before
    assert Listing.objects.get().available == 1


def test_the_token_of_a_blocked_user_sells_nothing(
    make_user: Callable[..., User], client_of: Callable[[User], APIClient]
) -> None:
    client = client_of(make_user("carol", is_active=False))
    read_problem(client.post("/api/listings/", LAMP, format="json"), 401)
    assert not Listing.objects.exists()


def test_the_public_keys_are_published_under_the_name_that_tokens_carry(
    anybody: APIClient, bob: User
) -> None:
    response = anybody.get("/.well-known/jwks.json")
    [key] = response.json()["keys"]
    token = str(open_session(bob).access_token)
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    public = jwt.PyJWK(key).key
    assert jwt.decode(token, public, ["RS256"], issuer="microstore")["user_id"] == str(bob.pk)
    assert key.keys() == {"kty", "n", "e", "use", "alg", "kid"}
