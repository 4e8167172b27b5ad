"""Names that look alike, weak passwords and impossible addresses are refused at every door."""

from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from pytest_django import Settings

pytestmark = pytest.mark.django_db

PASSWORD = "a lighthouse in fog"
UNWRITABLE = "bob@" + "ü" * 60 + ".example"
# Full width, two of Cyrillic and one of Greek letters alone.
ALIKE = ["BOB", "\uff42ob", "\u0432\u043e\u042c", "\u0412\u041e\u0412", "\u03b2\u03bf\u03b2"]
# A name that is taken, and one of common letters of one script that looks like it.
LOOK_ALIKE = [
    *(("bob", "b0b"), ("bob", "b\u00f6b"), ("bob", "b\u1ecdb"), ("bob", "b\u00f8b"), ("Ian", "lan")),
    *(("paypal", "paypa1"), ("paypal", "paypaI"), ("lamp", "larnp"), ("lamp", "1amp"), ("wow", "vvow")),
    *(("NINA", "\u039d\u0399\u039d\u0391"), ("hun", "\u0570\u057d\u0578"), ("\u529b\u58eb", "\u30ab\u58eb")),
]
# Letters that hardly a language needs: Latin, small capitals, Coptic, Lisu, Cherokee, palochka, Deseret.
UNCOMMON = [
    "\u3164",  # a letter of Hangul that fonts leave blank
    "한\u1160글",
    *(
        "\u0185o\u0185",
        "paypa\u01c0",
        "\u01bfaypal",
        "\u0299\u1d0f\u0299",
        "paypa\u029f",
        "\u2c83\u2c9f\u2c83",
    ),
    *(
        "\ua4d0\ua4f3\ua4d0",
        "\u13cf\u13a4\u13cf",
        "\u04cf\u043e\u04cf",
        "\U0001043a\U0001042c",
        "\u0966\u0967",
    ),
]
MIXED = ["b\u043eb", "p\u0430ypal", "\u0391lice", "x\N{CYRILLIC SMALL LETTER IE}nia"]
WEAK = ["Ln8x!q4", "password1234", "aaaaaaaaaaaa", "123456789012", "microstore", "lighthouse"]
GOOD = ["Tr0ub4dor&3", "lighthouse fog", "岬の灯台と霧の夜に鳴る鐘"]


@pytest.fixture
def bob() -> User:
    return User.objects.create_user("bob", password=PASSWORD)


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("carol"))
    return client


def add(client: Client, **fields: str) -> Any:
    form = {"usable_password": "true", "username": "dora", "password1": PASSWORD, "password2": PASSWORD}
    return client.post("/admin/auth/user/add/", form | fields)


def change(client: Client, user: User, **fields: str) -> Any:
    form = {"username": user.username}
    return client.post(f"/admin/auth/user/{user.pk}/change/", form | fields)


def create_superuser(monkeypatch: pytest.MonkeyPatch, name: str, password: str, email: str = "") -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", password)
    given = {"username": name, "email": email or "dora@shop.example"}
    call_command("createsuperuser", interactive=False, stdout=StringIO(), **given)


@pytest.mark.parametrize("name", [*ALIKE, *MIXED, *UNCOMMON])
def test_names_that_look_alike_are_refused_in_the_admin_and_on_the_command_line(
    bob: User, staff: Client, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert add(staff, username=name).context["adminform"].form.errors.keys() == {"username"}
    other = User.objects.create_user("dora")
    response = change(staff, other, username=name)
    assert response.context["adminform"].form.errors.keys() == {"username"}
    with pytest.raises(CommandError):
        create_superuser(monkeypatch, name, PASSWORD)
    assert set(User.objects.values_list("username", flat=True)) == {"bob", "carol", "dora"}


@pytest.mark.parametrize(("taken", "name"), LOOK_ALIKE)
def test_a_name_that_looks_like_another_is_refused_at_every_door_and_in_the_database(
    staff: Client, monkeypatch: pytest.MonkeyPatch, taken: str, name: str
) -> None:
    User.objects.create_user(taken)
    assert add(staff, username=name).context["adminform"].form.errors.keys() == {"username"}
    with pytest.raises(CommandError, match="looks like one that is"):
        create_superuser(monkeypatch, name, PASSWORD)
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(username=name)])


@pytest.mark.parametrize("name", ["\u13cf\u13a4\u13cf", "d\u043ed\u043e", "b0b"])
def test_who_has_such_a_name_from_before_keeps_it(bob: User, staff: Client, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user DISABLE TRIGGER refuse_retired_names")
        cursor.execute("DROP INDEX auth_user_look_alike")
    old = User.objects.create_user(name, password=PASSWORD)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE auth_user ENABLE TRIGGER refuse_retired_names")
    import_module("microstore.staff.migrations.0009_look_alike_names").add_index(
        None, connection.schema_editor()
    )
    assert change(staff, old, first_name="Robert").status_code == 302
    assert User.objects.get(pk=old.pk).first_name == "Robert"
    for other in ("b0b", "b\u00f6b"):
        with pytest.raises(IntegrityError), transaction.atomic():
            User.objects.bulk_create([User(username=other)])


@pytest.mark.parametrize("name", ALIKE)
def test_the_database_has_no_two_names_that_look_alike(bob: User, name: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.bulk_create([User(username=name)])


@pytest.mark.parametrize(
    "name",
    [
        *("Bobby", "robert", "ジャン々", "김철수", "Ксения", "ünal.7", "Strauß", "Łukasz", "Nguyễn"),
        "Şükrü-1",
        "გიორგი",
        "Γιώργος",
        "محمد7",
        "דוד",
    ],
)
def test_other_names_are_free(bob: User, staff: Client, name: str) -> None:
    assert add(staff, username=name).status_code == 302
    assert change(staff, bob, username=bob.username).status_code == 302


@pytest.mark.parametrize("password", WEAK)
def test_weak_passwords_are_refused_in_the_admin_and_on_the_command_line(
    bob: User, staff: Client, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    before = bob.password
    both = {"password1": password, "password2": password}
    assert add(staff, **both).status_code == 200
    response = staff.post(f"/admin/auth/user/{bob.pk}/password/", {"usable_password": "true"} | both)
    assert response.status_code == 200
    with pytest.raises(CommandError):
        create_superuser(monkeypatch, "dora", password)
    assert not User.objects.filter(username="dora").exists()
    bob.refresh_from_db()
    assert bob.password == before


@pytest.mark.parametrize("password", GOOD)
def test_a_good_password_is_long_or_hard_to_guess(
    staff: Client, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    assert add(staff, password1=password, password2=password).status_code == 302
    create_superuser(monkeypatch, "edna", password)
    assert User.objects.get(username="edna").check_password(password)


def test_a_password_is_the_same_however_its_letters_are_composed(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["microstore.auth.hashers.NormalisingHasher"]
    composed, decomposed = "caf\u00e9 au lait by the sea", "cafe\u0301 au lait by the sea"
    assert composed != decomposed
    assert check_password(decomposed, make_password(composed))
    assert check_password(composed, make_password(decomposed))
    assert not check_password("cafe au lait by the sea", make_password(composed))


def test_an_address_to_which_no_email_can_be_written_is_refused(
    bob: User, staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    response = change(staff, bob, email=UNWRITABLE)
    assert response.context["adminform"].form.errors.keys() == {"email"}
    with pytest.raises(CommandError):
        create_superuser(monkeypatch, "dora", PASSWORD, UNWRITABLE)
    assert change(staff, bob, email="bob@müller.example").status_code == 302
