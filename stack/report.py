"""What the launcher tells the person at the terminal."""

from collections.abc import Sequence
from pathlib import Path

from stack.processes import Stack
from stack.purchase import PASSWORD, Purchase
from stack.readiness import address_of, listens

NAME_WIDTH = 22


def say(text: str) -> None:
    """Print at once, also into a pipe; an empty text is nothing to say."""
    if text:
        print(text, flush=True)


def print_processes(stack: Stack) -> None:
    """One line a process."""
    print()
    for name in stack.commands:
        doing = f"listening on {address_of(name, stack.environment)}" if listens(name) else "running"
        say(f"{name:<{NAME_WIDTH}}{doing}")


def print_where_to_look(stack: Stack, files: Sequence[Path]) -> None:
    """Where a storefront developer, the staff and an operator look."""
    listings = address_of("listings-api", stack.environment)
    transactions = address_of("transactions-api", stack.environment)
    places = {
        "The shop": f"{listings}/ (open it in two windows)",
        "API documentation": f"{listings}/api/docs/ and {transactions}/api/docs/",
        "Admin": f"{listings}/admin/ and {transactions}/admin/ (user admin, password {PASSWORD})",
        "Shop's users": f"alice, who sells, and bob, who buys (password {PASSWORD})",
        "Flower": address_of("flower", stack.environment),
        "Logs": str(stack.logs),
        "Environment by hand": "set -a; . FILE, with FILE one of",
    }
    say("\n" + "\n".join(f"{what:<{NAME_WIDTH}}{where}" for what, where in places.items()))
    say("\n".join(f"{'':<{NAME_WIDTH}}{file}" for file in files))


def print_purchase(purchase: Purchase) -> None:
    """The demonstration's outcome."""
    say(
        f"\nbob bought alice's crunchy armchair for {_money(purchase.price_cents)} {purchase.currency}:\n"
        f"  order {purchase.order_id}, {purchase.status}\n"
        f"  trace {purchase.trace_id}\n"
        f"  fee   {_money(purchase.fee_cents)} {purchase.currency}\n"
        f"  {purchase.milliseconds} ms from the click to item_sold on the WebSocket\n"
    )


def print_killed(names: Sequence[str]) -> None:
    """Those that did not end when asked."""
    if names:
        say(f"Had to be killed: {', '.join(names)}")


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02}"
