"""What each process of the launcher can read in its environment: the secrets that it uses."""

import re
from pathlib import Path

from stack.processes.process_table import family_of
from stack.processes.secret_holders import HOLDERS, holds
from tests.support.market import Market

PASSWORD = re.compile(r"://[^/@\s]*:[^/@\s]+@")


def secrets_of(settings: dict[str, str]) -> dict[str, str]:
    """Keys, and addresses with a password, by name; those that services share have one of the names."""
    return {
        name: value
        for name, value in settings.items()
        if value and (name in HOLDERS or PASSWORD.search(value))
    }


def environment_of(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(entry.partition("=")[::2] for entry in entries if entry)


def test_a_process_and_its_children_know_no_secret_that_they_do_not_use(market: Market) -> None:
    known = secrets_of(market.settings)
    assert {"LISTINGS_OWNER_DATABASE_URL", "NOTIFICATIONS_BROKER_URL", "JWT_PRIVATE_KEY"} <= known.keys()
    for name in market.stack.commands:
        family = family_of(market.stack.pid(name) or 0)
        assert family
        for environment in map(environment_of, family):
            secret = {key for key, value in environment.items() if value and value in known.values()}
            assert {key for key in secret if not holds(name, key)} == set(), name


def test_a_process_has_the_users_of_its_own(market: Market) -> None:
    users = {
        name: [
            (PASSWORD.search(environment.get(url, "")) or [""])[0].strip(":/").partition(":")[0]
            for url in ("DATABASE_URL", "BROKER_URL")
        ]
        for name in market.stack.commands
        for environment in [environment_of(market.stack.pid(name) or 0)]
    }
    assert users == {
        "fees": ["", ""],
        "listings-api": ["microstore_app", ""],
        "listings-live": ["microstore_app", ""],
        "listings-worker": ["microstore_app", "listings"],
        "listings-relay": ["microstore_app", "listings"],
        "notifications-worker": ["microstore_notifications", "notifications"],
        "webhooks-worker": ["microstore_webhooks", "webhooks"],
        "webhooks-deliver": ["microstore_webhooks", ""],
        "listings-reconcile": ["microstore_app", ""],
        "transactions-api": ["microstore_app", ""],
        "transactions-worker": ["microstore_app", "transactions"],
        "transactions-relay": ["microstore_app", "transactions"],
        "transactions-payouts": ["microstore_app", ""],
    }
