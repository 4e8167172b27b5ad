"""The parts of the benchmark, in the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import (
    catalogue,
    clustered,
    drain,
    fanout,
    floor,
    growth,
    millions,
    pooled,
    purchase,
    quiet,
    side_by_side,
    single,
    slow_fees,
    sustained,
)
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop


@dataclass(frozen=True)
class Part:
    """A title, and a function that starts the processes it needs and measures."""

    title: str
    measure: Callable[[Shop, Scale], Result]
    limit_seconds: int | None = None  # with one of its own a part runs only where it is named


PARTS = {
    "purchase": Part("One purchase", purchase.measure),
    "floor": Part("The floor: PostgreSQL and RabbitMQ alone", floor.measure),
    "quiet": Part("A shop without load", quiet.measure),
    "sustained": Part("Purchases sustained, end to end", sustained.measure),
    "drain": Part("Queued orders processed", drain.measure),
    "slow_fees": Part("The same with a fee function that takes 200 ms", slow_fees.measure),
    "fanout": Part("Sales with many browsers", fanout.measure),
    "catalogue": Part("A large catalogue, read", catalogue.measure),
    "growth": Part("Tables that have grown", growth.measure),
    "side_by_side": Part("Several of each process", side_by_side.measure),
    "pooled": Part("Behind PgBouncer in transaction mode, five connections a database", pooled.measure),
    "single": Part("One listing that everybody buys", single.measure),
    "clustered": Part("Clusters beside single servers", clustered.measure, limit_seconds=1_800),
    "millions": Part("Ten million orders beside ten thousand", millions.measure, limit_seconds=7_200),
}
