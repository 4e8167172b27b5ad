"""Payout processes and a payment provider that a test starts and kills, and whom they have paid."""

import csv
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from microstore.auth.sealing import seal
from stack.ports import choose_ports
from stack.processes.stack import Stack
from stack.sandbox_bank import read_kept
from stack.waiting import wait_until
from tests.support.market import Market, Person
from tests.support.messages import CURRENCIES
from tests.support.reliability import Moved

PRICE_CENTS = 2_500
PROCESS, ANOTHER, WRITER = (f"transactions{number}-payouts" for number in (2, 3, 4))
ENVIRONMENT = {
    "PAYOUTS_SIGNING_KEY": "of the sandbox, 32 characters long",
    "PAYOUTS_READ_TIMEOUT_SECONDS": "2",  # the late bank takes five
    "PAYOUT_MINIMUM_UNITS": "0",
    "PAYOUT_EVERY_DAYS": "0",
}
SIGNED = "env PAYOUTS_SIGNING_KEY=$PAYOUTS_SIGNING_KEY python -m stack.sandbox_bank"
PASS_TIME = """
UPDATE transactions_payout SET sent_at = sent_at - interval '2 minutes',
    looked_up_at = looked_up_at - interval '2 minutes'
WHERE status IN ('sent', 'unknown') RETURNING id
"""
GIVE_ACCOUNT = """
INSERT INTO transactions_bankaccount (id, seller_id, sealed, masked, changed_at, usable_at)
VALUES (gen_random_uuid(), %s, %s, 'DE 3000', now(), now()) RETURNING id
"""


class Payday:
    """The sandbox, also with faults, and processes that pay by it or by files; nothing runs yet."""

    def __init__(self, market: Market, folder: Path, faults: Sequence[str]) -> None:
        self.market = market
        self.file, self.folder = folder / "payments", folder / "payouts"
        (port,) = choose_ports(1)
        command = market.stack.commands["transactions-payouts"].replace("--every 30", "--every 0.1")
        bank = f"{SIGNED} --port {port} --file {self.file}"
        commands = {
            PROCESS: command,
            ANOTHER: command,
            WRITER: command.replace("env", "env PAYOUTS_URL=", 1),
            "bank": bank,
            "late-bank": f"{bank} --fault late",
            "wrong-bank": " --fault ".join([bank, *faults]),
        }
        urls = {"PAYOUTS_URL": f"http://127.0.0.1:{port}", "PAYOUTS_FOLDER": str(self.folder)}
        self.stack = Stack(commands, environment=market.stack.environment | ENVIRONMENT | urls, folder=folder)

    def open(self, bank: str) -> None:
        """Start the provider and wait until it listens."""
        self.stack.start(bank)
        listens = wait_until(
            lambda: "PAYOUTS_URL=" in self.stack[bank].read_log_since_start(), timeout_seconds=30
        )
        assert listens, self.stack.log(bank)

    def add_sellers(self, count: int) -> list[Person]:
        """Sellers with a bank account, whose income in each currency is available."""
        buyer, *sellers = self.market.add_people(1 + count)
        answers = [
            buyer.buy(seller.sell("Reading lamp", currency=currency, price_cents=PRICE_CENTS))
            for seller in sellers
            for currency in CURRENCIES
        ]
        orders = [answer.json()["id"] for answer in answers]
        assert self.market.wait_settled(orders) == {"completed": len(orders)}
        for seller in sellers:
            details = f'{{"holder": "{seller.id}", "iban": "DE89370400440532013000"}}'
            key = self.market.settings["BANK_DETAILS_PUBLIC_KEY"]
            sealed = seal(details, key, purpose=f"bank account of seller {seller.id}")
            self.market.transactions(GIVE_ACCOUNT, seller.id, sealed)
        return sellers

    def pass_time(self) -> None:
        """Let the time pass after which payouts are looked up."""
        self.market.transactions(PASS_TIME)

    def statuses(self, sellers: Sequence[Person]) -> Counter[str]:
        """Count the payouts of these sellers by their status."""
        sql = "SELECT status, count(*) FROM transactions_payout WHERE seller_id = ANY(%s) GROUP BY status"
        return Counter(dict(self.market.transactions(sql, [seller.id for seller in sellers])))

    def wait_paid(self, sellers: Sequence[Person]) -> None:
        """Wait until the one payout of each seller and currency is paid, however often it is looked up."""

        def are_paid() -> bool:
            self.pass_time()
            return self.statuses(sellers) == {"paid": len(CURRENCIES) * len(sellers)}

        assert wait_until(are_paid, timeout_seconds=60), self.statuses(sellers)

    def payments(self) -> Counter[tuple[int, str, int]]:
        """Count the provider's payments by seller, currency and amount."""
        asked = [kept["asked"] for kept in read_kept(self.file) if kept["status"] == "paid"]
        return Counter((int(each["holder"]), each["currency"], each["amount_cents"]) for each in asked)

    def written(self) -> list[dict[str, str]]:
        """Return the lines of the files for a bank that are published."""
        files = [file for file in self.folder.glob("*/payouts.csv") if not file.parent.name.startswith(".")]
        return [row for file in files for row in csv.DictReader(file.read_text().splitlines())]

    def outcome(self, sellers: Sequence[Person]) -> Moved:
        """Return the payments of these sellers: one in each currency is right."""
        due = Counter((seller.id, each, PRICE_CENTS) for seller in sellers for each in CURRENCIES)
        own = {seller.id for seller in sellers}
        made = Counter({payment: times for payment, times in self.payments().items() if payment[0] in own})
        return Moved(len(due), lost=(due - made).total(), doubled=(made - due).total())
