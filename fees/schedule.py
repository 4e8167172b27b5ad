"""The fee schedule: which rule prices an order, by currency and category."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fees.order import InvalidOrder

WHOLE_BPS = 10_000  # basis points in a whole


class InvalidSchedule(ValueError):
    """The fee schedule cannot be used; the message says what to fix."""


class UnknownVersion(InvalidOrder):
    """The order was quoted by a schedule that is no longer charged, or not known here yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule:
    """A percentage (basis points) plus a fixed part, kept within limits; in the currency's minor units.

    The commission is the seller's, a percentage of the price; those of some tiers have one of their own.
    """

    name: str
    percentage_bps: int
    fixed_cents: int
    minimum_cents: int
    maximum_cents: int
    commission_bps: int = 0
    commission_bps_of_tiers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyRules:
    """The rules of a currency, and the digits of its minor unit (ISO 4217: EUR 2, JPY 0, KWD 3)."""

    minor_unit_digits: int
    default: FeeRule
    categories: Mapping[str, FeeRule]

    def rule_for(self, category: str | None) -> FeeRule:
        """Return the category's rule; a category that the schedule does not name pays the default."""
        return self.default if category is None else self.categories.get(category, self.default)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All rules of one version. A version's amounts never change: a change is a new version."""

    version: str
    default_currency: str
    currencies: Mapping[str, CurrencyRules]
    before: "Schedule | None" = None  # the one that it replaced, while quotes by that are still honoured

    def of_version(self, version: str | None) -> "Schedule":
        """Return the schedule by which an order was quoted, this one for None; raise UnknownVersion."""
        for schedule in (self, self.before):
            if schedule and version in (None, schedule.version):
                return schedule
        raise UnknownVersion(
            f"the fee has changed since it was quoted by schedule {version}; order again at the present one"
        )
