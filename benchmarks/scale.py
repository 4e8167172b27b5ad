"""The sizes of a measurement: full, or quick as a check that everything works."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Numbers of purchases, orders, seconds and runs."""

    name: str
    limit_seconds: int  # for each part
    total_seconds: int  # for all of them
    warm_up: int  # purchases before anything is measured
    purchases: int
    runs: int
    quiet_purchases: int
    rates: Sequence[int]  # purchases a second, rising
    rate_seconds: int
    queued: Sequence[int]  # orders that wait when the workers start
    table_sizes: Sequence[int]
    many: Sequence[int]  # orders in the tables, of the part `millions`
    feeds: Sequence[int]
    floor_writes: int  # to PostgreSQL
    floor_messages: int  # through RabbitMQ
    copies: Sequence[int]  # of each process
    listings: int
    queries: int  # of each kind, to the catalogue


# Half an hour on two cores. 5,000 queued orders run three times for a median; 20,000 show whether the rate
# falls with the depth of the queue.
FULL = Scale(
    name="full",
    limit_seconds=500,
    total_seconds=1_800,
    warm_up=2_000,
    purchases=5_000,
    runs=3,
    quiet_purchases=100,
    rates=(100, 200, 400, 800, 1_200, 1_600, 2_400),
    rate_seconds=12,
    queued=(5_000, 5_000, 5_000, 20_000),
    table_sizes=(10_000, 100_000, 1_000_000),
    many=(10_000, 10_000_000),
    feeds=(1, 100, 1_000),
    floor_writes=64_000,
    floor_messages=5_000,
    copies=(1, 2, 4),
    listings=100_000,
    queries=500,
)
QUICK = Scale(
    name="quick",
    limit_seconds=240,
    total_seconds=1_200,
    warm_up=200,
    purchases=500,
    runs=1,
    quiet_purchases=20,
    rates=(25, 50, 100),
    rate_seconds=3,
    queued=(500,),
    table_sizes=(1_000, 10_000),
    many=(1_000, 100_000),
    feeds=(1, 100),
    floor_writes=3_200,
    floor_messages=500,
    copies=(1, 2),
    listings=5_000,
    queries=100,
)
