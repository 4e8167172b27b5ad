"""How much is measured: all of it, or a quick look that shows that everything works."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers of purchases, orders, seconds and runs."""

    name: str
    purchases: int
    runs: int
    warm_up: int
    limit_seconds: int  # for each part


FULL = Scale("full", purchases=5_000, runs=3, warm_up=2_000, limit_seconds=400)
QUICK = Scale("quick", purchases=1_000, runs=1, warm_up=500, limit_seconds=240)
