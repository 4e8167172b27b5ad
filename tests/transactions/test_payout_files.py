"""Files of payouts for a bank, and its statements read back: written once, and every difference is named."""

import csv
import io
import os
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from microstore.staff.money import in_major_units
from tests.support.messages import CURRENCIES
from tests.support.threads import run_at_once
from tests.transactions.bank_statements import BOOKED, line_of, make_older, reconcile, statement
from tests.transactions.payees import (
    IBAN,
    balances,
    check_deferred,
    give_account,
    journals,
    overdue_for_look_up,
    payees,
    prepare,
    sealed_for,
    sell,
)
from transactions.payouts import files
from transactions.payouts.models import BankAccount, Payout, StatementLine
from transactions.payouts.sending import look_up_payouts, send_payouts

__all__ = ["payees"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payees")]

PAIN = "{urn:iso:std:iso:20022:tech:xsd:pain.001.001.03}"
AMOUNTS = {"EUR": "50.00", "JPY": "5000", "KWD": "5.000"}


class Killed(BaseException):
    """The process ends here, and nothing after this line happens."""


@pytest.fixture(autouse=True)
def folder(settings: Settings, tmp_path: Path) -> Path:
    """An empty PAYOUTS_FOLDER."""
    settings.PAYOUTS_FOLDER = str(tmp_path / "payouts")
    settings.PAYOUTS_FROM = {"name": "MicroStore", "IBAN": IBAN, "BIC": "COBADEFFXXX"}
    return tmp_path / "payouts"


def prepare_each() -> list[Payout]:
    give_account(holder="Żółta Łódź")
    for currency in CURRENCIES:
        sell(currency=currency)
    assert prepare() == 3
    return list(Payout.objects.order_by("currency"))


def send_each(*, days_ago: int = 30) -> list[Payout]:
    prepare_each()
    list(send_payouts())
    make_older(days_ago)
    return list(Payout.objects.order_by("currency"))


def batches(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir())


def rows(batch: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((batch / "payouts.csv").read_text())))


def statuses() -> list[str]:
    return list(Payout.objects.order_by("currency").values_list("status", flat=True))


def test_a_batch_has_all_payouts_in_csv_and_those_in_euro_in_pain_001(folder: Path) -> None:
    payouts = send_each()
    assert {payout.status for payout in payouts} == {"sent"}
    (batch,) = batches(folder)
    assert {payout.batch for payout in payouts} == {batch.name}
    assert {row["currency"]: row["amount"] for row in rows(batch)} == AMOUNTS
    assert {row["reference"] for row in rows(batch)} == {payout.pk.hex for payout in payouts}
    assert {(row["holder"], row["iban"]) for row in rows(batch)} == {("Żółta Łódź", IBAN)}
    (transfer,) = ET.parse(batch / "pain.001.xml").iter(f"{PAIN}CdtTrfTxInf")
    amount = transfer.find(f"{PAIN}Amt/{PAIN}InstdAmt")
    assert amount is not None
    assert (amount.text, amount.get("Ccy")) == ("50.00", "EUR")
    assert transfer.findtext(f"{PAIN}PmtId/{PAIN}EndToEndId") == payouts[0].pk.hex
    assert transfer.findtext(f"{PAIN}Cdtr/{PAIN}Nm") == "Zolta Lodz"
    assert oct(batch.stat().st_mode)[-2:] == "00"  # nobody else reads bank details


def test_without_an_account_of_ours_there_is_no_pain_001(folder: Path, settings: Settings) -> None:
    settings.PAYOUTS_FROM = {}
    send_each()
    assert [file.name for file in batches(folder)[0].iterdir()] == ["payouts.csv"]


def test_no_file_has_a_payout_to_an_account_that_was_replaced_meanwhile(folder: Path) -> None:
    give_account()
    sell()
    prepare()
    BankAccount.objects.update(replaced_at=timezone.now())
    assert sum(send_payouts()) == len(batches(folder)) == 0
    assert Payout.objects.get().status == "failed"


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff20"])
def test_a_name_is_no_formula(folder: Path, sign: str) -> None:
    give_account(holder=f"{sign}1+1")
    sell()
    prepare()
    list(send_payouts())
    assert rows(batches(folder)[0])[0]["holder"] == f"'{sign}1+1"


@pytest.mark.parametrize(
    "opened",
    [
        '{"holder": "Mallory", "iban": "DE\u0668\u0669370400440532013000"}',
        '{"holder": "Mallory", "iban": "nowhere"}',
        '{"holder": "Mallory\\u0000", "iban": "DE89370400440532013000"}',
        '{"holder": "Mallory\\u000b", "iban": "DE89370400440532013000"}',
        '{"holder": "\U0001f600", "iban": "DE89370400440532013000"}',
        '{"holder": 5}',
        "[]",
        "no JSON",
    ],
)
def test_details_that_no_file_can_hold_keep_nobody_elses_money(folder: Path, opened: str) -> None:
    """A seller had given them to an earlier release, or another service has sealed anything at all."""
    give_account(7, sealed=sealed_for(7, opened))
    for seller in (4, 7):
        sell(seller)
    give_account(4)
    assert prepare() == 2
    list(send_payouts())
    assert dict(Payout.objects.values_list("seller_id", "status")) == {4: "sent", 7: "prepared"}
    assert [row["holder"] for row in rows(batches(folder)[0])] == ["Alice Example"]


@pytest.mark.parametrize(("holder", "written"), [("𝕬𝖑𝖎𝖈𝖊 𝕸.", "Alice M."), ("Ⓐ", "A"), ("🄱😀", "B")])  # noqa: RUF001
def test_a_name_in_letters_that_banks_do_not_write_stops_nobody_elses_payout(
    folder: Path, holder: str, written: str
) -> None:
    """They are Latin letters to Unicode, and so to the form in which sellers write their names."""
    give_account(4, holder=holder)
    give_account(7)
    for seller in (4, 7):
        sell(seller)
    prepare()
    list(send_payouts())
    names = ET.parse(batches(folder)[0] / "pain.001.xml").iter(f"{PAIN}Cdtr")
    assert sorted(str(name.findtext(f"{PAIN}Nm")) for name in names) == sorted([written, "Alice Example"])


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_before_the_commit_has_sent_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_each()

    def write_and_die(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        raise Killed

    write = files._write
    with monkeypatch.context() as killing:
        killing.setattr(files, "_write", write_and_die)
        with pytest.raises(Killed):
            list(send_payouts())
    assert statuses() == ["prepared"] * 3
    (left,) = batches(folder)
    assert left.name.startswith(".")
    list(send_payouts())
    assert statuses() == ["sent"] * 3
    (batch,) = batches(folder)
    assert batch.name not in left.name


@pytest.mark.django_db(transaction=True)
def test_a_process_that_dies_after_the_commit_leaves_one_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_each()

    def die(batch: str) -> None:
        raise Killed

    with monkeypatch.context() as killing:
        killing.setattr(files, "_publish", die)
        with pytest.raises(Killed):
            list(send_payouts())
    assert statuses() == ["sent"] * 3
    for _ in range(2):
        assert list(send_payouts()) == []
        (batch,) = batches(folder)
        assert batch.name == Payout.objects.first().batch  # type: ignore[union-attr]
    assert len(rows(batch)) == 3


def test_what_else_lies_in_the_folder_stays_and_stops_no_payout(folder: Path) -> None:
    """Volumes have snapshots and files with dots, and a wrong setting may name somebody's home."""
    snapshot, kept = folder / ".snapshot", folder / ".gitkeep"
    snapshot.mkdir(parents=True)
    (snapshot / "yesterday").touch()
    kept.touch()
    payouts = send_each()
    assert {payout.status for payout in payouts} == {"sent"}
    assert (snapshot / "yesterday").exists()
    assert kept.exists()


@pytest.mark.django_db(transaction=True)
def test_processes_at_once_write_each_payout_once(folder: Path) -> None:
    for seller in range(10, 20):
        give_account(seller)
        sell(seller)
    prepare()
    assert sum(run_at_once(4, lambda _: sum(send_payouts()))) == 10
    written = [row["reference"] for batch in batches(folder) for row in rows(batch)]
    assert sorted(written) == sorted(payout.pk.hex for payout in Payout.objects.all())


def test_a_statement_pays_what_is_in_it_once(tmp_path: Path) -> None:
    payouts = send_each()
    file = statement(tmp_path, *map(line_of, payouts))
    assert reconcile(file) == (0, ["Lines: 3. Payouts paid by them: 3. Problems: 0."])
    assert statuses() == ["paid"] * 3
    for currency, payout in zip(CURRENCIES, payouts, strict=True):
        assert balances(currency) == {"bank": -5_000}
        assert journals(payout) == ["payout", "paid"]
    overlapping = statement(tmp_path, *map(line_of, payouts[1:]), name="next.csv")
    for again in (file, overlapping):
        assert reconcile(again)[0] == 0
    assert StatementLine.objects.count() == 3


@pytest.mark.parametrize("number", range(3), ids=CURRENCIES)
def test_a_payout_that_is_missing_is_named_and_unknown(tmp_path: Path, number: int) -> None:
    payouts = send_each()
    missing = payouts[number]
    others = [line_of(payout) for payout in payouts if payout != missing]
    code, lines = reconcile(statement(tmp_path, *others))
    assert code == 1
    assert lines[0].startswith(f"{missing.pk}, {AMOUNTS[missing.currency][:1]}")
    assert f"in no statement up to {BOOKED}" in lines[0]
    missing.refresh_from_db()
    assert (missing.status, missing.reason) == ("unknown", f"In no statement up to {BOOKED}.")
    assert balances(missing.currency) == {"in_transit": -5_000}
    assert reconcile(statement(tmp_path, line_of(missing), name="late.csv"))[0] == 0
    assert statuses() == ["paid"] * 3


def test_what_was_sent_a_day_ago_is_not_missing_yet(tmp_path: Path) -> None:
    payouts = send_each(days_ago=1)
    assert reconcile(statement(tmp_path, line_of(payouts[0])))[0] == 0


@pytest.mark.parametrize(("number", "amount"), [(0, "50.01"), (1, "5001"), (2, "5.001")], ids=CURRENCIES)
def test_another_amount_is_named_and_pays_nothing(tmp_path: Path, number: int, amount: str) -> None:
    payout = send_each()[number]
    code, lines = reconcile(statement(tmp_path, line_of(payout, amount=amount)))
    assert code == 1
    assert lines[0].startswith(f"{payout.pk} of {BOOKED}, {amount[0]}")
    assert "the payout is of 5" in lines[0]
    payout.refresh_from_db()
    assert payout.status == "unknown"


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_line_of_before_the_payout_was_sent_is_named_alone(tmp_path: Path, sign: str) -> None:
    early, other, _ = send_each(days_ago=2)
    assert early.sent_at
    sent_on = early.sent_at.date()
    amount = f"{sign}{in_major_units(early.amount_cents, early.currency)}"
    too_early = line_of(early, amount=amount, booked_on=sent_on - timedelta(days=2))
    code, lines = reconcile(statement(tmp_path, too_early, line_of(other)))
    assert code == 1
    assert lines[0].startswith(f"{early.pk} of {sent_on - timedelta(days=2)}, {sign}50.00")
    assert lines[0].endswith(f"the payout was sent on {sent_on} only")
    assert statuses()[:2] == ["unknown", "paid"]
    # A bank to the west of us may still have the day before.
    assert (
        reconcile(statement(tmp_path, line_of(early, booked_on=sent_on - timedelta(days=1)), name="2.csv"))[0]
        == 0
    )
    assert statuses()[:2] == ["paid", "paid"]


def test_a_line_that_is_nobodys_is_named(tmp_path: Path) -> None:
    code, lines = reconcile(statement(tmp_path, f"RENT,50.00,EUR,{BOOKED}"))
    assert (code, lines[0]) == (1, f"RENT of {BOOKED}, 50.00 EUR: there is no such payout")


def test_a_payout_that_the_bank_has_paid_twice_is_named(tmp_path: Path) -> None:
    payout = send_each()[0]
    code, lines = reconcile(statement(tmp_path, line_of(payout), line_of(payout)))
    assert code == 1
    assert f"the payout was paid before, on {BOOKED}" in lines[0]
    payout.refresh_from_db()
    assert payout.status == "paid"
    later = statement(tmp_path, line_of(payout, booked_on=BOOKED - timedelta(days=5)), name="later.csv")
    assert "was paid before" in reconcile(later)[1][0]


def returned(payout: Payout) -> str:
    """The line by which the bank returns the payout."""
    return line_of(payout, amount=f"-{in_major_units(payout.amount_cents, payout.currency)}")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_payout_that_the_bank_returns_is_the_sellers_again_once(tmp_path: Path, at_once: bool) -> None:
    payouts = send_each()
    paid = [line_of(payout) for payout in payouts]
    back = [returned(payout) for payout in payouts]
    files = [statement(tmp_path, *back, *paid)] if at_once else []
    files = files or [statement(tmp_path, *paid), statement(tmp_path, *back, name="next.csv")]
    said = [reconcile(file) for file in files]
    assert said[-1][0] == 1
    assert said[-1][1][0].endswith("returned by the bank, and in the seller's balance again")
    assert statuses() == ["returned"] * 3
    for _ in range(2):
        assert [reconcile(file)[0] for file in files] == [0] * len(files)
    check_deferred()
    for currency, payout in zip(CURRENCIES, payouts, strict=True):
        assert journals(payout) == ["payout", "paid", "returned"]
        assert balances(currency) == {"payable": -5_000}


def test_a_return_that_cannot_be_is_named(tmp_path: Path) -> None:
    first, second, third = send_each()
    lines = [line_of(first), returned(first), returned(first), returned(second), line_of(third)]
    code, said = reconcile(statement(tmp_path, *lines, line_of(third, amount="-1.000")))
    assert code == 1
    named = [each.partition(": ")[2] for each in said if ": " in each][:3]
    assert named == [
        f"the payout was returned before, on {BOOKED}",
        "the payout is sent, and has not arrived",
        "the payout is of 5.000 KWD",
    ]
    assert statuses() == ["returned", "unknown", "paid"]


def test_a_payout_that_was_never_sent_is_not_paid_by_a_line(tmp_path: Path) -> None:
    payout = prepare_each()[0]
    code, lines = reconcile(statement(tmp_path, line_of(payout)))
    assert code == 1
    assert lines[0].endswith("the payout is prepared")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "reference,amount\nx,1\n",
        "reference,amount,currency,booked_on\n",
        "reference,amount,currency,booked_on\nx,1e9,EUR,2026-01-31\n",
        "reference,booked_on,currency,amount\nx,2026-01-31,EUR,50,01\n",
        "reference,amount,currency,booked_on\nx,--1,EUR,2026-01-31\n",
        "reference,amount,currency,booked_on\nx,50.001,EUR,2026-01-31\n",
        "reference,amount,currency,booked_on\nx,50.00,EURO,2026-01-31\n",
        "reference,amount,currency,booked_on\nx,50.00,EUR,31.12.2026\n",
        "reference,amount,currency,booked_on\nx,50.00\n",
        "reference,amount,currency,booked_on\nx,\u0665\u0660,EUR,2026-01-31\n",
        f"reference,amount,currency,booked_on\nx,{'9' * 24},EUR,2026-01-31\n",
        "reference,amount,currency,booked_on\nx,50.00,EUR,0001-01-01\n",
        f"reference,amount,currency,booked_on\nx,50.00,EUR,{BOOKED + timedelta(days=366)}\n",
        "reference,amount,amount,currency,booked_on\nx,50.00,5.00,EUR,2026-01-31\n",
        'reference,amount,currency,booked_on\n"x,50.00,EUR,2026-01-31\n',
    ],
)
def test_what_is_no_statement_is_refused_whole(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.csv"
    file.write_text(text)
    with pytest.raises(CommandError, match=r"broken\.csv") as refused:
        call_command("payouts", "reconcile", str(file))
    assert refused.value.returncode == 2
    assert not StatementLine.objects.exists()


def test_a_statement_is_read_whatever_its_file_is_called(tmp_path: Path) -> None:
    file = statement(tmp_path, f"RENT,50.00,EUR,{BOOKED}", name=os.fsdecode(b"\xff.csv"))
    assert reconcile(file)[0] == 1
    assert StatementLine.objects.get().statement == ".csv"


def test_nobody_is_asked_about_a_payout_in_a_file() -> None:
    send_each()
    overdue_for_look_up()
    assert sum(look_up_payouts()) == 0
    assert statuses() == ["sent"] * 3


def test_the_command_runs_a_round(folder: Path) -> None:
    give_account()
    sell()
    out = io.StringIO()
    call_command("payouts", stdout=out)
    assert out.getvalue() == "Payouts prepared: 1, sent: 1, looked up: 0.\n"
    assert len(batches(folder)) == 1
