"""The fee of an order: a pure function of the order and the schedule."""

from typing import Literal, NamedTuple

from fees.order import InvalidOrder, Order
from fees.schedule import WHOLE_BPS, FeeRule, Schedule


class UnknownCurrency(InvalidOrder):
    """The schedule has no rule for the order's currency."""


class Breakdown(NamedTuple):
    """The parts of a fee; `limit_applied` names the bound that replaced percentage plus fixed part."""

    amount_cents: int
    percentage_bps: int
    percentage_cents: int
    fixed_cents: int
    minimum_cents: int
    maximum_cents: int
    limit_applied: Literal["minimum", "maximum"] | None


class Quote(NamedTuple):
    """The fee, what the buyer pays with it, what the seller gives of the price, and the rule that says so."""

    fee_cents: int
    total_cents: int
    commission_cents: int
    currency: str
    rule: str
    version: str
    breakdown: Breakdown


def calculate_fee(order: Order, *, schedule: Schedule) -> Quote:
    """Quote the order's fee; raise UnknownCurrency or UnknownVersion where the schedule has no rule.

    The rule is the schedule's own: a percentage of price times quantity, rounded half up to a whole minor
    unit, plus one fixed part an order, then kept within the rule's minimum and maximum. The commission is
    rounded likewise.
    """
    schedule = schedule.of_version(order.version)
    rule = _find_rule(order, schedule=schedule)
    amount_cents = order.price_cents * order.quantity
    percentage_cents = _percentage(amount_cents, rule.percentage_bps)
    unlimited_cents = percentage_cents + rule.fixed_cents
    commission_bps = rule.commission_bps_of_tiers.get(order.seller_tier or "", rule.commission_bps)
    fee_cents = min(max(unlimited_cents, rule.minimum_cents), rule.maximum_cents)
    return Quote(
        fee_cents=fee_cents,
        total_cents=amount_cents + fee_cents,
        commission_cents=_percentage(amount_cents, commission_bps),
        currency=order.currency,
        rule=rule.name,
        version=schedule.version,
        breakdown=Breakdown(
            amount_cents=amount_cents,
            percentage_bps=rule.percentage_bps,
            percentage_cents=percentage_cents,
            fixed_cents=rule.fixed_cents,
            minimum_cents=rule.minimum_cents,
            maximum_cents=rule.maximum_cents,
            limit_applied=_name_limit(fee_cents - unlimited_cents),
        ),
    )


def _percentage(amount_cents: int, bps: int) -> int:
    """Return the part of an amount, rounded half up."""
    return (amount_cents * bps + WHOLE_BPS // 2) // WHOLE_BPS


def _find_rule(order: Order, *, schedule: Schedule) -> FeeRule:
    rules = schedule.currencies.get(order.currency)
    if rules is None:
        known = ", ".join(schedule.currencies)
        raise UnknownCurrency(f"no fee is set for {order.currency}; schedule {schedule.version} has {known}")
    return rules.rule_for(order.category)


def _name_limit(difference_cents: int) -> Literal["minimum", "maximum"] | None:
    if difference_cents == 0:
        return None
    return "minimum" if difference_cents > 0 else "maximum"
