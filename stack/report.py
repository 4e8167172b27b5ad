"""The launcher's output for the person at the terminal."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stack.processes.readiness import address_of, listens
from stack.processes.stack import Stack
from stack.purchase import PASSWORD, Purchase

NAME_WIDTH = 22


def say(text: str) -> None:
    """Print at once, also into a pipe; print nothing for an empty text."""
    if text:
        print(text, flush=True)


@contextmanager
def timed(title: str) -> Iterator[None]:
    """Print the title, with how long the block took, when it is done."""
    started_at = time.monotonic()
    yield
    say(f"{time.monotonic() - started_at:6.1f} s  {title}")


def print_processes(stack: Stack) -> None:
    """Print one line per process."""
    print()
    for name in stack.commands:
        doing = f"listening on {address_of(name, stack.environment)}" if listens(name) else "running"
        say(f"{name:<{NAME_WIDTH}}{doing}")


def print_where_to_look(stack: Stack, files: Sequence[Path]) -> None:
    """Print the addresses and files for a developer, the staff and an operator."""
    listings = address_of("listings-api", stack.environment)
    transactions = address_of("transactions-api", stack.environment)
    places = {
        "The shop": f"{listings}/ (open it in two windows)",
        "API documentation": f"{listings}/api/docs/ and {transactions}/api/docs/",
        "Admin": f"{listings}/admin/ and {transactions}/admin/ (user admin, password {PASSWORD})",
        "Shop's users": f"alice, who sells, and bob, who buys (password {PASSWORD})",
        "Flower": address_of("flower", stack.environment),
        "Broker, to listen": stack.environment.get("LISTENER_BROKER_URL", ""),
        "Logs": str(stack.logs),
        "Environment by hand": "set -a; . FILE, with FILE one of",
    }
    say("\n" + "\n".join(f"{what:<{NAME_WIDTH}}{where}" for what, where in places.items() if where))
    say("\n".join(f"{'':<{NAME_WIDTH}}{file}" for file in files))


def print_purchase(purchase: Purchase) -> None:
    """Print the outcome of the demonstration."""
    say(
        f"\nbob bought alice's crunchy armchair for {_money(purchase.price_cents)} {purchase.currency}:\n"
        f"  order {purchase.order_id}, {purchase.status}\n"
        f"  trace {purchase.trace_id}\n"
        f"  fee   {_money(purchase.fee_cents)} {purchase.currency}\n"
        f"  {purchase.milliseconds} ms from the click to item_sold on the WebSocket\n"
    )


def print_killed(names: Sequence[str]) -> None:
    """Print which processes ignored SIGTERM."""
    if names:
        say(f"Had to be killed: {', '.join(names)}")


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
