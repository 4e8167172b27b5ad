"""Shares of the fee and of the commission in a refund."""


def fee_share_cents(amount_cents: int, *, before_cents: int, fee_cents: int, total_cents: int) -> int:
    """Return the part of a refund that is fee, after so much was refunded before.

    The fee is refunded in proportion to the total: of all that is refunded so far, rounded half up to a whole
    minor unit, less the fee of the refunds before. So refunds in parts add up to the fee, to the unit.
    """

    def refunded(cents: int) -> int:
        return (2 * cents * fee_cents + total_cents) // (2 * total_cents)

    return refunded(before_cents + amount_cents) - refunded(before_cents)


def commission_share_cents(
    amount_cents: int, *, before_cents: int, commission_cents: int, price_cents: int
) -> int:
    """Return the part of a refunded price that is commission, after so much of the price was refunded before.

    Rounded as the fee, and in proportion to the price, so that the seller never gives back less than nothing.
    """
    return fee_share_cents(
        amount_cents, before_cents=before_cents, fee_cents=commission_cents, total_cents=price_cents
    )
