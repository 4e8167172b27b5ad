"""Texts that the pages' scripts show, by name; placeholders are in braces."""

from django.utils.translation import gettext


def words() -> dict[str, str]:
    """Return the texts in the language of the page."""
    return {
        "left": gettext("{count} left"),
        "last": gettext("Last one"),
        "soldOut": gettext("Sold out"),
        "notOnSale": gettext("Not on sale"),
        "sold": gettext("Sold: {title}"),
        "takenOff": gettext("No longer on sale: {title}"),
        "inCart": gettext("In the cart: {title}"),
        "unread": gettext("Notifications, {count} unread"),
        "none": gettext("none"),
        "price": gettext("Buyers will see {price}."),
        "yourOrder": gettext("Your order"),
        "order": gettext("{title}: {status}"),
        "completed": gettext("completed"),
        "rejected": gettext("could not be completed"),
        "cancelled": gettext("was cancelled"),
        "partly_refunded": gettext("was refunded in part"),
        "refunded": gettext("was refunded"),
        "minorUnits": gettext("{amount} (minor units)"),
        "pending": gettext("{amount} pending"),
        "balance": gettext("balance {amount}"),
        "sale": gettext("Sale"),
        "void": gettext("Cancelled by its buyer"),
        "refund": gettext("Refund"),
        "payout": gettext("Payout"),
        "failed": gettext("Payout that failed"),
        "returned": gettext("Payout that the bank returned"),
        **_words_of_payouts(),
        "checkout": gettext("Your purchase: {completed} of {orders} completed"),
        "live": gettext("Live: updates automatically"),
        "asking": gettext("Changes show within seconds"),
        **_words_of_holding(),
    }


def _words_of_payouts() -> dict[str, str]:
    return {
        "payoutTo": gettext("{amount} to {account}"),
        "payout_prepared": gettext("Being prepared"),
        "payout_sent": gettext("On its way"),
        "payout_unknown": gettext("Being checked"),
        "payout_paid": gettext("Paid"),
        "payout_failed": gettext("Failed: it is paid again with the next payout"),
        "payout_returned": gettext("Returned by the bank: it is paid again with the next payout"),
        "paidOutFrom": gettext("Paid out from {amount} on"),
        "paidDaily": gettext("Available income is paid out once a day."),
        "paidEvery": gettext("Available income is paid out every {days} days."),
        "nothingYet": gettext("You have no income yet. It appears here once something of yours is sold."),
    }


def _words_of_holding() -> dict[str, str]:
    return {
        "held": gettext(
            "Income is pending for {days} days after a sale and then available."
            " Refunds are deducted from the income of their sale."
        ),
        "heldDay": gettext(
            "Income is pending for a day after a sale and then available."
            " Refunds are deducted from the income of their sale."
        ),
        "heldNever": gettext(
            "Income is available at once. Refunds are deducted from the income of their sale."
        ),
    }
