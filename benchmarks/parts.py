"""What can be measured, each by itself, in the order in which it is done."""

from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import purchase
from benchmarks.result import Result
from benchmarks.scale import Scale
from benchmarks.shop import Shop


@dataclass(frozen=True)
class Part:
    """A title, and a function that opens the shop as it needs it and measures."""

    title: str
    measure: Callable[[Shop, Scale], Result]


PARTS = {
    "purchase": Part("One purchase", purchase.measure),
}
